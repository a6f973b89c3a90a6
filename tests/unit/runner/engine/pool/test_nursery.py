"""A machine that cannot fork for a while: what is missing comes later, and the health check hears of it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

import pytest

from scriptorium_runner.engine import Engine
from scriptorium_runner.engine.pool.balance import is_overdue
from scriptorium_runner.engine.pool.nursery import Nursery
from scriptorium_runner.engine.workers.channel import Worker
from tests.unit.runner.engine.engines import make_engine, run
from tests.unit.runner.engine.processes import (
    find_descendants,
    find_newest_zygote,
    leave_room,
    wait_until,
)


@contextlib.asynccontextmanager
async def make_barren_engine(**settings: float) -> AsyncIterator[tuple[Engine, contextlib.ExitStack]]:
    """Make an engine with no worker at all, whose zygote can fork none until the stack is closed."""
    async with make_engine(**settings) as engine:
        zygote = find_newest_zygote()
        await wait_until(lambda: len(find_descendants(zygote)) == settings["pool_size"])
        with contextlib.ExitStack() as stack:
            stack.enter_context(leave_room(zygote, 0))
            for worker in find_descendants(zygote):
                os.kill(worker, signal.SIGKILL)
            await wait_until(lambda: engine.stats().fresh == 0)
            yield engine, stack
        assert find_newest_zygote() == zygote


async def test_workers_that_could_not_be_forked_are_forked_later(caplog):
    caplog.set_level("INFO")
    async with make_barren_engine(pool_size=3) as (engine, obstacle):
        await wait_until(lambda: "workers cannot be forked" in caplog.messages)
        obstacle.close()
        await wait_until(lambda: engine.stats().fresh == 3)
    assert caplog.messages == ["sandbox ready", "workers cannot be forked", "workers can be forked again"]


async def test_who_waits_while_nothing_can_be_forked_is_served_later(caplog):
    async with make_barren_engine(pool_size=2) as (engine, obstacle):
        waiting = [asyncio.create_task(run(engine, owner=owner)) for owner in "abc"]
        await wait_until(lambda: engine.stats().waiting == 3 and bool(caplog.messages))
        obstacle.close()
        assert [(await task).output for task in waiting] == [{"value": 1}] * 3


async def test_an_engine_that_cannot_fork_is_not_working_until_it_can():
    async with make_barren_engine(pool_size=2, fork_patience_seconds=0.05) as (engine, obstacle):
        await wait_until(lambda: not engine.is_working)
        obstacle.close()
        await wait_until(lambda: engine.is_working)


async def test_an_engine_is_patient_before_it_calls_itself_broken(caplog):
    async with make_barren_engine(pool_size=2) as (engine, _):
        await wait_until(lambda: bool(caplog.messages))
        assert engine.is_working


async def test_an_engine_that_wants_no_worker_is_working():
    async with make_engine(pool_size=1, fork_patience_seconds=0) as engine:
        await wait_until(lambda: engine.is_working)
    assert not engine.is_working


@pytest.mark.parametrize(
    ("since", "now", "answer"), [(None, 1000, False), (940.5, 1000, False), (940, 1000, True)]
)
def test_what_is_awaited_for_a_minute_is_overdue(since, now, answer):
    assert is_overdue(since, now, 60) is answer


async def test_a_worker_that_was_born_is_no_longer_counted_as_starting():
    counts: list[int] = []
    workers: list[Worker] = []

    def welcome(worker: Worker) -> None:
        workers.append(worker)
        counts.append(nursery.starting)

    nursery = Nursery(welcome, lambda: None)
    await nursery.start()
    nursery.fork(2)
    await nursery.wait_for_first_forks(lambda: len(workers) == 2)
    for worker in workers:
        worker.close()
    await nursery.stop()
    assert counts == [1, 0]


async def test_a_crowd_at_once_does_not_flood_a_zygote_that_is_slow(caplog):
    async with make_engine(pool_size=600, initial_workers=1, spare_workers=0) as engine:
        zygote = find_newest_zygote()
        os.kill(zygote, signal.SIGSTOP)
        waiting = [asyncio.create_task(run(engine, owner=f"{number}")) for number in range(600)]
        # One has the worker that is there; the zygote's socket would not hold the questions of all others.
        await wait_until(lambda: engine.stats().waiting >= 599)
        for _ in range(10):
            await asyncio.sleep(0)
        assert caplog.messages == []
        for task in waiting[20:]:
            task.cancel()
        os.kill(zygote, signal.SIGCONT)
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [result.output for result in ended[:20]] == [{"value": 1}] * 20
    assert caplog.messages == []
