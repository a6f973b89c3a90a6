"""Whoever wants to count requests hears of each: what was asked, and what came of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web

from scriptorium_client import Client, Config, NotFound, Unavailable
from scriptorium_client.resources import NAMESPACES
from tests.support.ports import free_port


@dataclass
class Teller:
    """A client of this address, and what was told of its requests."""

    port: int
    told: list[tuple[str, int | None]] = field(default_factory=list)

    def make_client(self) -> Client:
        server = f"http://127.0.0.1:{self.port}"
        return Client(
            Config(server, "team", None), tell=lambda method, code: self.told.append((method, code))
        )


@pytest_asyncio.fixture
async def teller() -> AsyncIterator[Teller]:
    """An API server that has one namespace and deletes nothing."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"metadata": {"name": "team"}})

    app = web.Application()
    app.router.add_get("/api/v1/namespaces/team", answer)
    runner, found = web.AppRunner(app, access_log=None), Teller(free_port())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", found.port).start()
    yield found
    await runner.cleanup()


async def test_each_request_is_told_with_its_answer(teller: Teller) -> None:
    async with teller.make_client() as client:
        await client.get(NAMESPACES, "team")
        with pytest.raises(NotFound):
            await client.get(NAMESPACES, "other")
    assert teller.told == [("GET", 200), ("GET", 404)]


async def test_a_request_without_an_answer_is_told_as_such() -> None:
    teller = Teller(free_port())
    async with teller.make_client() as client:
        with pytest.raises(Unavailable):
            await client.get(NAMESPACES, "team")
    assert teller.told == [("GET", None)]
