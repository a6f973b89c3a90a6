"""Who keeps the memory for bodies on their way, and who makes way; no port is needed for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from scriptorium_runner.endpoints.bodies import BodyStalled, Grow, ignore
from scriptorium_runner.endpoints.uploads import NoRoomLeft, Outpaced, Uploads
from scriptorium_runner.engine import Held
from tests.support.waiting import until_async

AT_ONCE, NEVER = 0.0, 3600.0


@dataclass
class Dripping:
    """A body of pieces that come when they are told to; None is its end."""

    size: int | None = None
    pieces: asyncio.Queue[int | None] = field(default_factory=asyncio.Queue)
    error: Exception | None = None

    async def read(self, most: int, grow: Grow = ignore) -> bytes:
        size = 0
        while (piece := await self.pieces.get()) is not None:
            grow(piece)
            size += piece
        if self.error is not None:
            raise self.error
        return b"x" * size


class Senders:
    """Those who send a body each."""

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self.tasks: list[asyncio.Task[bytes]] = []
        self.let_go = asyncio.Event()

    def begin(self, *pieces: int | None) -> Dripping:
        body = Dripping()
        for piece in pieces:
            body.pieces.put_nowait(piece)
        self.tasks.append(asyncio.create_task(self._send(body)))
        return body

    async def _send(self, body: Dripping) -> bytes:
        with self.uploads.hold() as upload:
            found = await upload.receive(body, 1000)
            await self.let_go.wait()
            return found


@asynccontextmanager
async def sending(held: Held, grace: float) -> AsyncIterator[Senders]:
    senders = Senders(Uploads(held, grace))
    try:
        yield senders
    finally:
        for task in senders.tasks:
            task.cancel()
        await asyncio.gather(*senders.tasks, return_exceptions=True)
    assert held.size == 0


async def fail(task: asyncio.Task[bytes]) -> BaseException | None:
    await asyncio.wait([task], timeout=20)
    return task.exception()


async def test_a_body_is_counted_until_it_is_let_go() -> None:
    held = Held(100)
    async with sending(held, NEVER) as senders:
        senders.begin(30, 40, None)
        await until_async(lambda: held.size == 70)
        senders.let_go.set()
        assert len(await senders.tasks[0]) == 70
        assert held.size == 0


async def test_who_has_been_sending_for_the_longest_makes_way_for_others() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        for _ in range(2):
            senders.begin(40)
        await until_async(lambda: held.size == 80)
        senders.begin(60, None)
        assert isinstance(await fail(senders.tasks[0]), Outpaced)
        await until_async(lambda: held.size == 100)
        assert not senders.tasks[1].done()


async def test_as_many_make_way_as_it_takes() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        for _ in range(4):
            senders.begin(25)
        await until_async(lambda: held.size == 100)
        senders.begin(70, None)
        ended = [await fail(task) for task in senders.tasks[:3]]
        assert [type(each) for each in ended] == [Outpaced] * 3
        assert held.size == 95


async def test_nobody_makes_way_for_whoever_has_been_sending_for_longer() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        oldest = senders.begin(50)
        senders.begin(50)
        await until_async(lambda: held.size == 100)
        oldest.pieces.put_nowait(1)
        assert type(await fail(senders.tasks[0])) is NoRoomLeft
        assert not senders.tasks[1].done()


async def test_nobody_makes_way_within_the_first_seconds() -> None:
    held = Held(100)
    async with sending(held, NEVER) as senders:
        senders.begin(80)
        await until_async(lambda: held.size == 80)
        senders.begin(40, None)
        assert type(await fail(senders.tasks[1])) is NoRoomLeft
        assert not senders.tasks[0].done()


async def test_a_body_that_is_there_as_a_whole_makes_way_for_nobody() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        senders.begin(80, None)
        await until_async(lambda: held.size == 80)
        senders.begin(40, None)
        assert isinstance(await fail(senders.tasks[1]), NoRoomLeft)
        senders.let_go.set()
        assert len(await senders.tasks[0]) == 80


async def test_a_body_whose_end_comes_in_the_moment_in_which_it_makes_way_is_lost() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        slow = senders.begin(80)
        await until_async(lambda: held.size == 80)
        # In one turn of the loop: the other one is served first, then the slow one hears of its end.
        senders.begin(40, None)
        slow.pieces.put_nowait(None)
        assert isinstance(await fail(senders.tasks[0]), Outpaced)
        assert held.size == 40


async def test_what_else_ends_a_body_is_told_as_it_is() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        senders.begin(10, None).error = BodyStalled()
        assert isinstance(await fail(senders.tasks[0]), BodyStalled)


async def test_a_caller_who_goes_away_leaves_no_trace() -> None:
    held = Held(100)
    async with sending(held, AT_ONCE) as senders:
        senders.begin(90)
        await until_async(lambda: held.size == 90)
        senders.tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await senders.tasks[0]
        assert held.size == 0
        senders.begin(100, None)
        await until_async(lambda: held.size == 100)
