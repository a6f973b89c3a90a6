"""Requests begin a few in each turn of the event loop, so that a flood of them leaves time for all else."""

import asyncio

import pytest

from scriptorium_runner.web.pace import Pace


class Arrivals:
    """Requests that came in one turn, and how many of them have begun."""

    def __init__(self, pace: Pace, count: int) -> None:
        self.begun: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.add(pace, range(count))

    def add(self, pace: Pace, numbers: range) -> None:
        self.tasks += [asyncio.create_task(self._begin(pace, number)) for number in numbers]

    async def _begin(self, pace: Pace, number: int) -> None:
        await pace.begin()
        self.begun.append(number)


async def count_by_turn(arrivals: Arrivals, turns: int) -> list[int]:
    """Give how many began in each of the next turns."""
    counts = []
    for _ in range(turns):
        before = len(arrivals.begun)
        await asyncio.sleep(0)
        counts.append(len(arrivals.begun) - before)
    return counts


async def test_who_comes_alone_does_not_wait() -> None:
    pace = Pace(2)
    for _ in range(3):
        coroutine = pace.begin()
        with pytest.raises(StopIteration):
            coroutine.send(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_of_a_flood_only_so_many_begin_in_one_turn() -> None:
    arrivals = Arrivals(Pace(2), 9)
    counts = await count_by_turn(arrivals, 20)
    assert max(counts) == 2
    assert sum(counts) == 9


async def test_others_have_their_turns_meanwhile() -> None:
    arrivals = Arrivals(Pace(2), 100)
    others = 0
    while len(arrivals.begun) < 100:
        await asyncio.sleep(0)
        others += 1
    assert others >= 50


async def test_all_begin_in_the_order_in_which_they_came() -> None:
    pace = Pace(2)
    arrivals = Arrivals(pace, 5)
    await asyncio.sleep(0)
    arrivals.add(pace, range(5, 10))
    await asyncio.gather(*arrivals.tasks)
    assert arrivals.begun == [*range(10)]


async def test_who_goes_away_while_waiting_takes_nobody_s_turn() -> None:
    pace = Pace(2)
    arrivals = Arrivals(pace, 9)
    await asyncio.sleep(0)
    for task in arrivals.tasks[2:8]:
        task.cancel()
    counts = await count_by_turn(arrivals, 4)
    assert sum(counts) == 1
    assert arrivals.begun == [0, 1, 8]
    assert len(pace) == 0
