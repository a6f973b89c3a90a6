import asyncio
import os
import signal
import subprocess
import sys

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import (
    AcquireTimeout,
    Engine,
    EngineSettings,
    InvalidContext,
    Limits,
    PoolClosed,
    Program,
)
from scriptorium_runner.engine.pool.balance import Census, Change, decide_change
from tests.unit.runner.engine.engines import HANG, make_engine, run
from tests.unit.runner.engine.processes import (
    find_descendants,
    find_newest_zygote,
    find_running,
    find_zygote,
    is_at_work,
    list_open_files,
    read_environment,
    seen_by_root,
    wait_until,
)


@pytest.mark.parametrize(
    ("census", "change"),
    [
        (Census(busy=0, used=0, fresh=0, starting=0, waiting=0), Change(fork=4, evict=0)),
        (Census(busy=0, used=0, fresh=1, starting=3, waiting=0), Change(fork=0, evict=0)),
        (Census(busy=1, used=0, fresh=3, starting=0, waiting=0), Change(fork=0, evict=0)),
        (Census(busy=4, used=0, fresh=0, starting=0, waiting=0), Change(fork=2, evict=0)),
        (Census(busy=0, used=4, fresh=2, starting=0, waiting=0), Change(fork=0, evict=0)),
        (Census(busy=1, used=4, fresh=1, starting=0, waiting=0), Change(fork=1, evict=1)),
        (Census(busy=4, used=4, fresh=0, starting=0, waiting=0), Change(fork=2, evict=4)),
        (Census(busy=0, used=1, fresh=2, starting=0, waiting=0), Change(fork=1, evict=0)),
        (Census(busy=0, used=4, fresh=0, starting=0, waiting=3), Change(fork=3, evict=1)),
        (Census(busy=1, used=3, fresh=0, starting=1, waiting=9), Change(fork=2, evict=1)),
        (Census(busy=4, used=0, fresh=2, starting=0, waiting=9), Change(fork=0, evict=0)),
    ],
)
def test_workers_are_forked_ahead_and_the_least_needed_give_way(census, change):
    assert decide_change(census, level=4, spare=2) == change


@pytest.mark.parametrize(
    ("census", "change"),
    [
        (Census(busy=1, used=6, fresh=2, starting=0, waiting=0), Change(fork=0, evict=0)),
        (Census(busy=1, used=9, fresh=2, starting=0, waiting=0), Change(fork=0, evict=3)),
        (Census(busy=0, used=0, fresh=9, starting=0, waiting=0), Change(fork=0, evict=0, retire=3)),
        (Census(busy=4, used=3, fresh=1, starting=0, waiting=5), Change(fork=1, evict=0)),
    ],
)
def test_workers_that_were_used_lately_may_stay(census, change):
    assert decide_change(census, level=4, spare=2, kept=3) == change


async def test_workers_are_warm_after_start():
    async with make_engine(pool_size=3) as engine:
        stats = engine.stats()
        assert (stats.size, stats.fresh, stats.in_use) == (3, 3, 0)


async def test_a_worker_is_used_again_only_for_the_same_owner():
    async with make_engine(pool_size=2) as engine:
        for _ in range(5):
            await run(engine, owner="a")
        assert engine.stats().used == 1
        await run(engine, owner="b")
        assert engine.stats().used == 2


async def test_many_owners_never_need_more_processes_than_allowed():
    async with make_engine(pool_size=2, spare_workers=1, kept_workers=0) as engine:
        for index in range(20):
            assert (await run(engine, owner=f"owner {index}")).reason is Reason.COMPLETED
            stats = engine.stats()
            assert stats.in_use + stats.used + stats.fresh <= 3


async def test_more_callers_than_workers_all_get_their_own_answer():
    async with make_engine(pool_size=2) as engine:
        results = await asyncio.gather(*(run(engine, f"return {i}", owner=f"{i % 7}") for i in range(60)))
        assert [result.output["value"] for result in results] == list(range(60))
        assert engine.stats().in_use == 0


async def test_a_killed_worker_is_replaced_and_its_neighbour_unhurt():
    async with make_engine(pool_size=2) as engine:
        killed, unhurt = await asyncio.gather(
            run(engine, HANG, "a", 0.2),
            run(engine, "let x = 0; for (let i = 0; i < 2e6; i++) x++; return x", "b"),
        )
        assert (killed.reason, unhurt.output) == (Reason.TIMEOUT, {"value": 2000000})
        assert killed.usage.cpu_ms > 0
        assert killed.usage.peak_memory_mb > 1
        await wait_until(lambda: engine.stats().fresh >= 1)
        assert (await run(engine)).output == {"value": 1}


async def test_a_worker_that_dies_idle_is_replaced():
    async with make_engine(pool_size=2) as engine:
        zygote = find_zygote(workers=2)
        before = find_descendants(zygote)
        os.kill(min(before), signal.SIGSEGV)
        await wait_until(lambda: len(find_descendants(zygote)) == 2 and find_descendants(zygote) != before)
        await wait_until(lambda: engine.stats().fresh == 2)


async def test_a_worker_that_crashes_is_reported_and_replaced():
    async with make_engine(pool_size=1, spare_workers=1) as engine:
        zygote = find_zygote(workers=1)
        running = asyncio.create_task(run(engine, HANG))
        (worker,) = find_descendants(zygote)
        await wait_until(lambda: is_at_work(worker))
        os.kill(worker, signal.SIGSEGV)
        result = await running
        assert (result.reason, result.error.name) == (Reason.ENGINE_CRASH, "EngineCrash")
        assert "SIGSEGV" in result.error.message
        assert [entry.message for entry in result.logs] == ["started"]
        assert (await run(engine)).output == {"value": 1}


async def test_a_zygote_that_dies_is_started_again():
    async with make_engine(pool_size=2) as engine:
        zygote = find_zygote(workers=2)
        os.kill(zygote, signal.SIGKILL)
        await wait_until(lambda: engine.stats().spawned == 4 and engine.stats().fresh == 2)
        assert (await run(engine)).output == {"value": 1}


async def test_a_cancelled_run_ends_at_once_with_the_lines_so_far():
    async with make_engine(pool_size=1) as engine:
        cancelled = asyncio.Event()
        program = Program(source=HANG, owner="a")
        running = asyncio.create_task(
            engine.execute(program, {}, Limits(timeout_seconds=600), cancelled=cancelled)
        )
        await wait_until(lambda: any(is_at_work(pid) for pid in find_descendants(find_newest_zygote())))
        cancelled.set()
        result = await running
        assert (result.reason, result.error.name) == (Reason.CANCELLED, "Cancelled")
        assert [entry.message for entry in result.logs] == ["started"]
        assert (await run(engine)).output == {"value": 1}


async def test_a_run_that_is_cancelled_before_it_starts_never_starts():
    async with make_engine(pool_size=1) as engine:
        cancelled = asyncio.Event()
        cancelled.set()
        result = await engine.execute(
            Program(source="return 1", owner="a"), {}, Limits(), cancelled=cancelled
        )
        assert (result.reason, result.started_at, engine.stats().used) == (Reason.CANCELLED, None, 0)


async def test_a_run_that_is_cancelled_while_it_waits_gives_its_place_away():
    async with make_engine(pool_size=1) as engine:
        first = asyncio.create_task(run(engine, HANG, seconds=0.5))
        await wait_until(lambda: engine.stats().in_use == 1)
        cancelled = asyncio.Event()
        waiting = asyncio.create_task(
            engine.execute(Program(source="return 1", owner="b"), {}, Limits(), cancelled=cancelled)
        )
        await wait_until(lambda: engine.stats().waiting == 1)
        cancelled.set()
        result = await waiting
        assert (result.reason, result.started_at) == (Reason.CANCELLED, None)
        assert not first.done()
        await first
        assert (await run(engine)).output == {"value": 1}
        assert (engine.stats().waiting, engine.stats().in_use) == (0, 0)


async def test_a_caller_whose_task_is_cancelled_leaves_no_worker_behind():
    async with make_engine(pool_size=1) as engine:
        running = asyncio.create_task(run(engine, HANG))
        await wait_until(lambda: engine.stats().in_use == 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert engine.stats().in_use == 0
        assert (await run(engine)).output == {"value": 1}


@pytest.mark.parametrize("turns", range(6))
async def test_a_caller_who_is_cancelled_while_a_worker_is_handed_over_keeps_none(turns):
    async with make_engine(pool_size=1) as engine:
        leaving = asyncio.Event()
        program, limits = Program(source=HANG, owner="a"), Limits(timeout_seconds=600)
        first = asyncio.create_task(engine.execute(program, {}, limits, cancelled=leaving))
        await wait_until(lambda: engine.stats().in_use == 1)
        second = asyncio.create_task(engine.execute(program, {}, limits, cancelled=asyncio.Event()))
        await wait_until(lambda: engine.stats().waiting == 1)
        leaving.set()
        await first
        for _ in range(turns):
            await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert (await run(engine)).output == {"value": 1}
        assert (engine.stats().waiting, engine.stats().in_use) == (0, 0)


async def test_a_new_owner_is_served_also_when_no_worker_is_spare():
    async with make_engine(pool_size=1, spare_workers=0, kept_workers=0) as engine:
        await run(engine, owner="a")
        assert (await run(engine, owner="b")).output == {"value": 1}
        assert engine.stats().used == 1


async def test_waiting_for_a_worker_has_an_end():
    async with make_engine(pool_size=1, acquire_seconds=0.05) as engine:
        running = asyncio.create_task(run(engine, HANG, seconds=0.5))
        await wait_until(lambda: engine.stats().in_use == 1)
        with pytest.raises(AcquireTimeout):
            await run(engine)
        await running


async def test_after_shutdown_no_process_is_left_and_nothing_runs():
    before = find_descendants(os.getpid())
    engine = Engine(EngineSettings(pool_size=2))
    await engine.start()
    running = asyncio.create_task(run(engine, HANG))
    await wait_until(lambda: engine.stats().in_use == 1)
    await engine.shutdown()
    await engine.shutdown()
    assert (await running).reason is Reason.ENGINE_CRASH
    assert find_descendants(os.getpid()) == before
    with pytest.raises(PoolClosed):
        await run(engine)


async def test_a_start_that_is_given_up_leaves_no_process():
    before = find_descendants(os.getpid())
    starting = asyncio.create_task(Engine(EngineSettings(pool_size=20)).start())
    await wait_until(lambda: len(find_descendants(os.getpid()) - before) > 1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await wait_until(lambda: find_descendants(os.getpid()) == before)


async def test_a_shutdown_that_is_given_up_leaves_no_process():
    before = find_descendants(os.getpid())
    engine = Engine(EngineSettings(pool_size=2))
    await engine.start()
    stopping = asyncio.create_task(engine.shutdown())
    for _ in range(2):
        await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await wait_until(lambda: find_descendants(os.getpid()) == before)


SUPERVISOR = """
import asyncio
import contextlib
from scriptorium_runner.engine import Engine, EngineSettings

async def main():
    engine = Engine(EngineSettings(pool_size=2))
    await engine.start()
    print("ready", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await engine.shutdown()

with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
"""


def start_and_kill_a_supervisor() -> set[int]:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout.readline() == b"ready\n"
        family = find_descendants(supervisor.pid)
        supervisor.kill()
    return family


async def test_zygote_and_workers_die_with_their_supervisor():
    family = start_and_kill_a_supervisor()
    assert len(family) == 3
    await wait_until(lambda: not family & find_running())


def test_control_c_in_a_terminal_is_for_the_supervisor_alone():
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as supervisor:
        try:
            assert supervisor.stdout.readline() == b"ready\n"
            os.killpg(supervisor.pid, signal.SIGINT)
            # The zygote has the same stderr: this reads until it is gone as well.
            assert supervisor.communicate(timeout=20) == (b"", b"")
        finally:
            supervisor.kill()
    assert supervisor.returncode == 0


async def test_an_engine_that_was_not_started_runs_nothing():
    with pytest.raises(PoolClosed):
        await run(Engine(EngineSettings(pool_size=1)))


@seen_by_root
async def test_a_worker_has_no_environment_and_no_descriptor_but_its_own():
    async with make_engine(pool_size=1, spare_workers=1):
        zygote = find_zygote(workers=1)
        (worker,) = find_descendants(zygote)
        assert read_environment(worker) == b""
        assert list_open_files(worker) == sorted(["/dev/null"] * 3 + ["socket", "pipe", "pipe"])


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
async def test_a_context_that_is_not_json_is_refused(value):
    async with make_engine(pool_size=1) as engine:
        with pytest.raises(InvalidContext):
            await engine.execute(Program(source="", owner="a"), {"input": {"x": value}}, Limits())
        assert engine.stats().in_use == 0
