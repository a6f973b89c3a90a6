"""Runs that share a container's memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import ContainerMemory, Engine, EngineSettings, Limits, Program, Result
from scriptorium_runner.engine.pool.container_memory import read_footprint
from tests.unit.runner.engine.cgroups import MB, set_used, write_version_2
from tests.unit.runner.engine.processes import find_descendants, find_newest_zygote, wait_until

HOLD = "const held = Array(SIZE).fill(1); console.log('held'); for (;;) await 0"


@contextlib.asynccontextmanager
async def make_engine(folder: Path, limit_mb: int) -> AsyncIterator[Engine]:
    write_version_2(folder, str(limit_mb * MB))
    engine = Engine(EngineSettings(pool_size=4), ContainerMemory(folder, is_version_2=True))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.shutdown()


async def run(engine: Engine, source: str, owner: str, seconds: float = 20, memory_mb: int = 128) -> Result:
    limits = Limits(timeout_seconds=seconds, memory_mb=memory_mb)
    return await engine.execute(Program(source=source, owner=owner), {}, limits)


async def test_runs_wait_for_memory_although_there_are_slots(tmp_path):
    async with make_engine(tmp_path, limit_mb=400) as engine:
        runs = [asyncio.create_task(run(engine, "for (;;);", f"{n}", seconds=0.5)) for n in range(4)]
        await wait_until(lambda: engine.stats().waiting == 2)
        stats = engine.stats()
        assert (stats.in_use, stats.memory_promised_mb, stats.memory_limit_mb) == (2, 256, 400)
        assert {result.reason for result in await asyncio.gather(*runs)} == {Reason.TIMEOUT}
        assert engine.stats().memory_promised_mb == 0


async def test_small_runs_do_not_overtake_a_large_one_that_waits_for_memory(tmp_path):
    async with make_engine(tmp_path, limit_mb=600) as engine:
        ended: list[str] = []

        async def call(name: str, memory_mb: int, seconds: float = 0.3) -> None:
            await run(engine, "for (;;);", name, seconds, memory_mb)
            ended.append(name)

        calls = [asyncio.create_task(call("first", 128))]
        await wait_until(lambda: engine.stats().in_use == 1)
        calls.append(asyncio.create_task(call("large", 480)))
        await wait_until(lambda: engine.stats().waiting == 1)
        calls.append(asyncio.create_task(call("small", 64)))
        await asyncio.gather(*calls)
        assert ended == ["first", "large", "small"]


async def test_who_gives_up_waiting_for_memory_makes_room_for_the_next(tmp_path):
    async with make_engine(tmp_path, limit_mb=600) as engine:
        first = asyncio.create_task(run(engine, "for (;;);", "first", 5))
        await wait_until(lambda: engine.stats().in_use == 1)
        leaving = asyncio.Event()
        large = asyncio.create_task(
            engine.execute(Program(source="", owner="large"), {}, Limits(memory_mb=500), cancelled=leaving)
        )
        await wait_until(lambda: engine.stats().waiting == 1)
        small = asyncio.create_task(run(engine, "return 1", "small", memory_mb=64))
        await wait_until(lambda: engine.stats().waiting == 2)
        leaving.set()
        assert (await large).reason is Reason.CANCELLED
        assert (await small).output == {"value": 1}
        assert not first.done()
        first.cancel()


async def test_a_run_that_is_larger_than_the_container_runs_alone(tmp_path):
    async with make_engine(tmp_path, limit_mb=200) as engine:
        assert (await run(engine, "return 1", "a", memory_mb=1024)).output == {"value": 1}


async def test_when_memory_is_nearly_used_up_the_largest_run_ends_and_its_neighbour_goes_on(tmp_path):
    async with make_engine(tmp_path, limit_mb=1000) as engine:
        small = asyncio.create_task(run(engine, HOLD.replace("SIZE", "1e5"), "small", seconds=60))
        large = asyncio.create_task(run(engine, HOLD.replace("SIZE", "4e6"), "large"))
        workers = find_descendants(find_newest_zygote())
        await wait_until(lambda: max(map(read_footprint, workers)) > 60 * MB)
        set_used(tmp_path, 920 * MB)
        result = await large
        set_used(tmp_path, 100 * MB)
        assert (result.reason, result.error.name) == (Reason.MEMORY_PRESSURE, "MemoryPressure")
        assert "held the most" in result.error.message
        assert [entry.message for entry in result.logs] == ["held"]
        assert result.usage.cpu_ms > 0
        assert engine.stats().memory_kills == 1
        assert not small.done()
        assert (await run(engine, "return 1", "next")).output == {"value": 1}
        small.cancel()


async def test_a_called_script_does_not_wait_for_the_memory_that_its_caller_holds(tmp_path):
    async with make_engine(tmp_path, limit_mb=250) as engine:
        caller = asyncio.create_task(run(engine, "for (;;);", "caller", 60))
        await wait_until(lambda: engine.stats().in_use == 1)
        called = Program(source="return 'called'", owner="called", depth=1)
        assert (await engine.execute(called, {}, Limits())).output == {"value": "called"}
        caller.cancel()
