import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from scriptorium_api.endpoints.traffic import Concurrency
from scriptorium_runner.endpoints.concurrency import MAX_RETRY_AFTER, Full, Gate, Room


class Visitors:
    """Those who come to a gate: each works until it is told to go."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.came_in: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *names: str) -> None:
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._visit(name))
        await settle()

    async def go(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settle()

    def give_up(self, name: str) -> None:
        self._tasks[name].cancel()

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _visit(self, name: str) -> None:
        async with self.gate.enter():
            self.came_in.append(name)
            await self._ends[name].wait()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def visiting(
    most: int, waiting: int, clock: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[Visitors]:
    visitors = Visitors(Gate(Room(most, waiting), clock))
    try:
        yield visitors
    finally:
        await visitors.close()
        assert (visitors.gate.inside, visitors.gate.waiting) == (0, 0)


async def test_so_many_work_at_a_time_and_the_first_in_line_is_the_next() -> None:
    async with visiting(2, 3) as visitors:
        await visitors.come("a", "b", "c", "d", "e")
        assert (visitors.came_in, visitors.gate.waiting) == (["a", "b"], 3)
        await visitors.go("b")
        assert visitors.came_in == ["a", "b", "c"]
        await visitors.go("a", "c")
        assert visitors.came_in == ["a", "b", "c", "d", "e"]


async def test_who_cannot_even_wait_is_sent_away_at_once() -> None:
    async with visiting(1, 1) as visitors:
        await visitors.come("a", "b")
        with pytest.raises(Full):
            async with visitors.gate.enter():
                pass
        assert (visitors.gate.inside, visitors.gate.waiting) == (1, 1)


async def test_without_a_line_nobody_waits() -> None:
    async with visiting(1, 0) as visitors:
        await visitors.come("a")
        with pytest.raises(Full):
            await visitors.gate.enter().__aenter__()
        await visitors.go("a")
        await visitors.come("b")
        assert visitors.came_in == ["a", "b"]


async def test_who_gives_up_waiting_leaves_the_line() -> None:
    async with visiting(1, 2) as visitors:
        await visitors.come("a", "b", "c")
        visitors.give_up("b")
        await settle()
        assert visitors.gate.waiting == 1
        await visitors.go("a")
        assert visitors.came_in == ["a", "c"]


async def test_who_gives_up_while_working_makes_room() -> None:
    async with visiting(1, 1) as visitors:
        await visitors.come("a", "b")
        visitors.give_up("a")
        await settle()
        assert visitors.came_in == ["a", "b"]


async def test_a_place_that_comes_too_late_goes_to_the_next() -> None:
    async with visiting(1, 2) as visitors:
        await visitors.come("a", "b", "c")
        # Both in one moment, in both orders: the place is given away, and who should have it has gone.
        visitors.give_up("a")
        await asyncio.sleep(0)
        visitors.give_up("b")
        await settle()
        assert visitors.came_in == ["a", "c"]


async def test_who_goes_before_the_place_comes_is_passed_over() -> None:
    async with visiting(1, 2) as visitors:
        await visitors.come("a", "b", "c")
        visitors.give_up("b")
        visitors.give_up("a")
        await settle()
        assert visitors.came_in == ["a", "c"]


async def test_an_error_inside_makes_room() -> None:
    async with visiting(1, 0) as visitors:
        with pytest.raises(ZeroDivisionError):
            async with visitors.gate.enter():
                raise ZeroDivisionError
        await visitors.come("a")
        assert visitors.came_in == ["a"]


async def test_more_room_lets_in_who_waits() -> None:
    async with visiting(1, 3) as visitors:
        await visitors.come("a", "b", "c", "d")
        visitors.gate.change(Room(3, 3))
        await settle()
        assert visitors.came_in == ["a", "b", "c"]


async def test_less_room_sends_nobody_away_who_is_there() -> None:
    async with visiting(3, 2) as visitors:
        await visitors.come("a", "b", "c", "d", "e")
        visitors.gate.change(Room(1, 0))
        assert (visitors.gate.inside, visitors.gate.waiting) == (3, 2)
        await visitors.go("a", "b")
        assert visitors.came_in == ["a", "b", "c"]
        await visitors.go("c")
        assert visitors.came_in == ["a", "b", "c", "d"]
        with pytest.raises(Full):
            await visitors.gate.enter().__aenter__()


async def test_who_is_sent_away_is_told_when_to_come_again() -> None:
    now = 0.0
    async with visiting(2, 3, lambda: now) as visitors:
        await visitors.come("a")
        now = 8.0
        await visitors.go("a")
        await visitors.come("b", "c", "d", "e", "f")
        with pytest.raises(Full) as caught:
            await visitors.gate.enter().__aenter__()
        # Three wait before it, two are worked on at a time, and each takes 8 s.
        assert caught.value.retry_after == 16
        now = 1_000_000.0
        await visitors.go("b")
        await visitors.come("g")
        with pytest.raises(Full) as caught:
            await visitors.gate.enter().__aenter__()
        assert caught.value.retry_after == MAX_RETRY_AFTER


async def test_without_experience_one_is_told_to_come_again_in_a_second() -> None:
    async with visiting(1, 0) as visitors:
        await visitors.come("a")
        with pytest.raises(Full) as caught:
            await visitors.gate.enter().__aenter__()
        assert caught.value.retry_after == 1


async def test_a_crowd_is_never_more_than_there_is_room_for() -> None:
    gate = Gate(Room(5, 20), lambda: 0.0)
    most = refused = 0

    async def visit(steps: int) -> None:
        nonlocal most, refused
        try:
            async with gate.enter():
                most = max(most, gate.inside)
                for _ in range(steps):
                    await asyncio.sleep(0)
        except Full:
            refused += 1

    tasks = [asyncio.create_task(visit(number % 7)) for number in range(200)]
    for task in tasks[::9]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 5
    assert refused > 0
    assert (gate.inside, gate.waiting) == (0, 0)


@pytest.mark.parametrize(
    ("most", "queue", "share", "room"),
    [
        (10, 20, 0, Room(10, 20)),
        (10, 20, 1, Room(10, 20)),
        (10, 20, 3, Room(3, 7)),
        (2, 1, 5, Room(1, 1)),
        (2, 0, 5, Room(1, 0)),
    ],
)
def test_runners_divide_it(most: int, queue: int, share: int, room: Room) -> None:
    assert Room.divide(Concurrency(max=most, queue=queue), share) == room
