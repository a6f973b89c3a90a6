"""A pool that grows when it is needed, shrinks when it is not, and serves every Script."""

import asyncio
import itertools
import time
from types import SimpleNamespace

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Limits, Program
from scriptorium_runner.engine.pool import pool
from tests.unit.runner.engine.engines import HANG, make_engine, run
from tests.unit.runner.engine.processes import wait_until


async def test_a_pool_starts_with_its_first_workers_and_grows_as_it_is_needed():
    async with make_engine(pool_size=12, initial_workers=2, spare_workers=1) as engine:
        assert engine.stats().fresh == 2
        leaving = asyncio.Event()
        limits = Limits(timeout_seconds=600)
        runs = [
            asyncio.create_task(
                engine.execute(Program(source=HANG, owner=f"{number}"), {}, limits, cancelled=leaving)
            )
            for number in range(12)
        ]
        await wait_until(lambda: engine.stats().in_use == 12)
        leaving.set()
        assert {result.reason for result in await asyncio.gather(*runs)} == {Reason.CANCELLED}


async def test_a_pool_that_was_needed_shrinks_when_it_is_idle():
    async with make_engine(pool_size=8, initial_workers=2, spare_workers=1, idle_seconds=0.3) as engine:
        long = "for (let i = 0; i < 3e5; i++);"
        await asyncio.gather(*(run(engine, long, owner=f"{number}") for number in range(8)))
        stats = engine.stats()
        assert stats.fresh + stats.used > 3
        await wait_until(lambda: engine.stats().fresh + engine.stats().used <= 3)
        assert (await run(engine)).output == {"value": 1}


async def test_a_pool_shrinks_also_on_a_machine_where_time_passes_between_any_two_steps(monkeypatch):
    skips = itertools.count()
    monkeypatch.setattr(
        pool, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 0.01 * next(skips))
    )
    settings = {"pool_size": 8, "initial_workers": 2, "spare_workers": 1, "idle_seconds": 2.0}
    async with make_engine(**settings) as engine:
        for _ in range(3):
            await asyncio.gather(*(run(engine, owner=f"{number}") for number in range(8)))
            await wait_until(lambda: engine.stats().fresh + engine.stats().used <= 3)


async def test_a_pool_keeps_what_was_needed_a_moment_ago():
    async with make_engine(pool_size=6, initial_workers=1, spare_workers=0, idle_seconds=600) as engine:
        long = "for (let i = 0; i < 3e5; i++);"
        await asyncio.gather(*(run(engine, long, owner=f"{number}") for number in range(6)))
        await wait_until(lambda: engine.stats().fresh + engine.stats().used == 6)
        before = engine.stats().spawned
        for number in range(6):
            await run(engine, owner=f"{number}")
        assert engine.stats().spawned - before <= 6


async def test_a_script_with_many_callers_does_not_starve_another():
    async with make_engine(pool_size=2, script_share=0.5) as engine:
        ended: list[str] = []

        async def call(script: str) -> None:
            await run(engine, "for (let i = 0; i < 2e5; i++); return 1", owner=script)
            ended.append(script)

        flood = [asyncio.create_task(call("flood")) for _ in range(30)]
        await wait_until(lambda: engine.stats().waiting > 20)
        await asyncio.gather(*(call("quiet") for _ in range(3)))
        assert ended.count("flood") < 20
        await asyncio.gather(*flood)
        assert len(ended) == 33


async def test_who_found_a_warm_worker_and_who_waited_is_counted():
    async with make_engine(pool_size=1) as engine:
        assert engine.stats().hit_rate is None
        await run(engine)
        assert (engine.stats().hits, engine.stats().misses, engine.stats().waits) == (1, 0, 0)
        long = "for (let i = 0; i < 3e5; i++);"
        await asyncio.gather(run(engine, long), run(engine, long))
        stats = engine.stats()
        assert (stats.hits, stats.misses, stats.waits, stats.hit_rate) == (3, 0, 1, 1.0)
        assert stats.waited_seconds > 0


async def test_who_had_a_slot_and_waited_for_a_fork_missed():
    async with make_engine(pool_size=2, initial_workers=1, spare_workers=0) as engine:
        long = "for (let i = 0; i < 3e5; i++);"
        await asyncio.gather(run(engine, long, owner="a"), run(engine, long, owner="b"))
        assert (engine.stats().hits, engine.stats().misses, engine.stats().hit_rate) == (1, 1, 0.5)


async def test_a_worker_stays_for_its_script_while_others_come_and_go():
    async with make_engine(pool_size=1, spare_workers=1, kept_workers=10) as engine:
        for number in range(8):
            await run(engine, owner=f"{number}")
        await wait_until(lambda: engine.stats().fresh >= 1)
        spawned = engine.stats().spawned
        for number in range(8):
            await run(engine, owner=f"{number}")
        assert engine.stats().spawned == spawned


PROBE = """
const before = [globalThis.left, Object.prototype.left, Array.prototype.join.left, Math.left].map(String);
globalThis.left = Object.prototype.left = Array.prototype.join.left = Math.left = 'left behind';
JSON.stringify = () => '{"forged": true}';
return {before, random: Math.random()};
"""


async def test_no_state_crosses_from_a_run_to_the_next_on_the_same_worker():
    async with make_engine(pool_size=1) as engine:
        results = [await run(engine, PROBE) for _ in range(20)]
        assert engine.stats().spawned <= 3
        assert all(result.output["before"] == ["undefined"] * 4 for result in results)
        assert len({result.output["random"] for result in results}) == 20


@pytest.mark.parametrize(
    ("source", "seconds", "reason"),
    [
        ("for (;;);", 0.2, Reason.TIMEOUT),
        ("[].reverse.call({length: 2 ** 53 - 1})", 0.2, Reason.TIMEOUT),
        ("Array(1e9).fill(1)", 20, Reason.MEMORY_LIMIT),
        ("return 'x'.repeat(1e6)", 20, Reason.OUTPUT_LIMIT),
    ],
)
async def test_a_worker_is_not_used_again_after_a_limit(source, seconds, reason):
    async with make_engine(pool_size=1) as engine:
        assert (await run(engine, source, seconds=seconds)).reason is reason
        assert engine.stats().used == 0
        assert (await run(engine, "throw 1")).reason is Reason.SCRIPT_ERROR
        assert engine.stats().used == 1


async def test_a_called_script_has_a_slot_although_all_are_taken_by_callers():
    async with make_engine(pool_size=1, nested_slots=1) as engine:
        caller = asyncio.create_task(run(engine, HANG, "caller", 600))
        await wait_until(lambda: engine.stats().in_use == 1)
        called = Program(source="return 'called'", owner="called", depth=1)
        assert (await engine.execute(called, {}, Limits())).output == {"value": "called"}
        assert not caller.done()
        caller.cancel()
