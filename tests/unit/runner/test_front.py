"""A runner that answers, from its first Endpoint to its end."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from scriptorium_runner.endpoints.auth.key_sets import KeySets
from scriptorium_runner.endpoints.auth.ports import KeysUnavailable
from scriptorium_runner.endpoints.listening import PublicSettings
from scriptorium_runner.endpoints.live import Terms
from scriptorium_runner.endpoints.room import RoomSettings
from scriptorium_runner.engine import Engine
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.front import Front, FrontSettings, Means
from tests.support.endpoints import make_endpoint
from tests.support.serving import EndpointsBoard
from tests.support.waiting import until_async
from tests.unit.runner.engine.engines import make_engine

#: Endless for a test, which ends before.
LONG = 60.0


async def no_keys(uri: str) -> None:
    raise KeysUnavailable(uri)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    async with make_engine(pool_size=2) as found:
        yield found


def make_front(engine: Engine, board: EndpointsBoard) -> Front:
    settings = FrontSettings(
        public=PublicSettings(port=0, host="127.0.0.1"),
        room=RoomSettings(slots=2),
        terms=Terms(tenant=Tenant(id="t", name="team")),
    )
    means = Means(board=board, engine=engine, sandbox=EngineSandbox(engine), key_sets=KeySets(no_keys))  # type: ignore[arg-type]
    return Front(settings, means, [])


async def test_requests_that_still_come_are_answered_while_nobody_knows_that_it_goes(engine: Engine) -> None:
    board = EndpointsBoard(endpoints=[make_endpoint("root", "/")])
    board.put("return 'here'")
    front = make_front(engine, board)
    assert not front.is_open
    await front.open()
    assert front.is_open
    closing = asyncio.create_task(front.close(LONG, LONG))
    await asyncio.sleep(0)
    async with aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://127.0.0.1:{front.port}/") as answer:
                assert (answer.status, await answer.text()) == (200, "here")
                assert answer.headers["Connection"] == "close"
    assert not closing.done()
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await front.close(0, 0)


async def test_where_there_is_no_endpoint_nobody_is_waited_for(engine: Engine) -> None:
    front = make_front(engine, EndpointsBoard())
    await front.open()
    async with asyncio.timeout(LONG / 2):
        await front.close(LONG, LONG)


async def test_slots_are_kept_for_requests_only_while_there_is_an_endpoint(engine: Engine) -> None:
    board = EndpointsBoard()
    front = make_front(engine, board)
    await front.open()
    running = asyncio.create_task(front.run())
    assert engine.reserved_slots == 0
    board.endpoints = [make_endpoint("root", "/")]
    front.live.change()
    await until_async(lambda: engine.reserved_slots == 1)
    board.endpoints = []
    front.live.change()
    await until_async(lambda: engine.reserved_slots == 0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await front.close(0, 0)


async def test_who_was_never_open_closes_at_once(engine: Engine) -> None:
    async with asyncio.timeout(LONG / 2):
        await make_front(engine, EndpointsBoard()).close(LONG, LONG)
