"""Who runs, who waits and who hears that there is no room; no engine is needed for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from scriptorium_runner.endpoints.room import MOMENT_SECONDS, NoRoomNow, Room, RoomSettings
from tests.support.waiting import until_async


@dataclass
class Guests:
    """Those who came, and those who are inside, in their order."""

    room: Room
    now: list[float]
    """The time, as the room is told it."""
    inside: list[str] = field(default_factory=list)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    ends: dict[str, asyncio.Event] = field(default_factory=dict)

    def come(self, name: str, share: str = "a") -> None:
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, share))

    async def _stay(self, name: str, share: str) -> None:
        async with self.room.enter(share):
            self.inside.append(name)
            await self.ends[name].wait()

    async def leave(self, name: str) -> None:
        self.ends[name].set()
        await self.tasks[name]


@asynccontextmanager
async def guests(
    slots: int = 1, queue: int = 10, seconds: float = 30, beginners: int = 100
) -> AsyncIterator[Guests]:
    now = [0.0]
    settings = RoomSettings(slots=slots, queue=queue, seconds=seconds, beginners=beginners)
    found = Guests(Room(settings, lambda: now[0]), now)
    yield found
    for task in found.tasks.values():
        task.cancel()
    await asyncio.gather(*found.tasks.values(), return_exceptions=True)
    assert (found.room.inside, found.room.waiting) == (0, 0)


async def test_so_many_run_and_the_others_wait() -> None:
    async with guests(slots=2) as found:
        for name in ("1", "2", "3"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 1)
        assert found.inside == ["1", "2"]
        await found.leave("1")
        await until_async(lambda: found.inside == ["1", "2", "3"])


async def test_a_flood_to_one_script_does_not_make_anothers_requests_wait_for_all_of_it() -> None:
    async with guests() as found:
        for name in ("a1", "a2", "a3", "a4"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 3)
        found.come("b1", "b")
        await until_async(lambda: found.room.waiting == 4)
        for name in ("a1", "a2", "b1", "a3"):
            await until_async(lambda name=name: name in found.inside)
            await found.leave(name)
        await until_async(lambda: len(found.inside) == 5)
        assert found.inside == ["a1", "a2", "b1", "a3", "a4"]


async def test_nobody_waits_beyond_the_queue() -> None:
    async with guests(queue=1) as found:
        found.come("1")
        found.come("2")
        await until_async(lambda: found.room.waiting == 1)
        with pytest.raises(NoRoomNow):
            async with found.room.enter("a"):
                """Never reached."""


async def test_after_one_who_waited_in_vain_fewer_may_wait() -> None:
    async with guests(queue=100, seconds=0.05) as found:
        found.come("1")
        await until_async(lambda: found.room.inside == 1)
        with pytest.raises(NoRoomNow):
            async with found.room.enter("a"):
                """Never reached."""
        assert found.room._find_bound() == 2


async def test_everybody_who_waits_in_vain_hears_so() -> None:
    async with guests(seconds=0.05) as found:
        for name in ("1", "2", "3", "4"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 3)
        found.tasks["2"].cancel()
        for name in ("3", "4"):
            with pytest.raises(NoRoomNow):
                await found.tasks[name]
        assert (found.room.waiting, found.inside) == (0, ["1"])


async def test_who_goes_away_leaves_the_place_to_the_next() -> None:
    async with guests() as found:
        for name in ("1", "2", "3"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 2)
        found.tasks["2"].cancel()
        await until_async(lambda: found.room.waiting == 1)
        await found.leave("1")
        await until_async(lambda: found.inside == ["1", "3"])


async def test_a_place_that_came_in_the_moment_of_going_away_is_not_lost() -> None:
    async with guests() as found:
        for name in ("1", "2", "3"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 2)
        found.ends["1"].set()
        # Its place is given on when the first leaves, which is before the second runs again.
        await asyncio.sleep(0)
        found.tasks["2"].cancel()
        await until_async(lambda: "3" in found.inside)


async def test_only_a_few_begin_at_once_and_the_next_when_one_of_them_has_ended() -> None:
    async with guests(slots=9, beginners=2) as found:
        for name in ("1", "2", "3", "4"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 2)
        assert found.inside == ["1", "2"]
        await found.leave("2")
        await until_async(lambda: found.inside == ["1", "2", "3"])


async def test_who_does_not_end_within_a_moment_makes_way_for_the_next() -> None:
    async with guests(slots=3, beginners=1) as found:
        for name in ("1", "2", "3", "4"):
            found.come(name)
        await until_async(lambda: found.room.waiting == 3)
        for inside in (["1", "2"], ["1", "2", "3"]):
            found.now[0] += MOMENT_SECONDS
            await until_async(lambda inside=inside: found.inside == inside)
        # The fourth waits for a slot.
        found.now[0] += MOMENT_SECONDS
        await found.leave("2")
        await until_async(lambda: found.inside == ["1", "2", "3", "4"])
