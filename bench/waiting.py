"""`python -m bench.waiting`: many scripts wait for a host call at once, and others start meanwhile."""

import argparse
import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

from bench.figures import Figures, render_ratio, render_row, summarize
from bench.processes import find_descendants, read_memory
from scriptorium_runner.engine import Engine, EngineSettings, Limits, Program

SOURCE = "return { sum: input.a + input.b };"
CONTEXT = {"input": {"a": 1, "b": 2}}
WAIT = "return await scripts.call('x', {n: input.n});"
#: Room for those who start while the others wait.
ROOM = 10
#: Between two starts; in less time another worker is forked ahead.
PAUSE_SECONDS = 0.05
#: Far more than it takes.
PATIENCE_SECONDS = 600.0


class Gate:
    """A host whose answers all wait until it is opened."""

    methods: Mapping[str, bool] = {"scripts.call": True}

    def __init__(self, awaited: int) -> None:
        self._awaited = awaited
        self.all_wait, self._open = asyncio.Event(), asyncio.Event()

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Give back what came, once the gate is open."""
        self._awaited -= 1
        if not self._awaited:
            self.all_wait.set()
        await self._open.wait()
        return arguments[1]["n"]

    def open(self) -> None:
        """Let all go on."""
        self._open.set()


async def measure_waiting(count: int, starts: int) -> None:
    """Print what it takes to have so many scripts wait, each of a Script of its own, and to finish them."""
    engine = Engine(EngineSettings(pool_size=count + ROOM, acquire_seconds=PATIENCE_SECONDS))
    await engine.start()
    await measure_starts(engine, ROOM)
    alone = await measure_starts(engine, starts)
    gate, limits = Gate(count), Limits(timeout_seconds=PATIENCE_SECONDS)
    begun = time.perf_counter()
    runs = [
        asyncio.create_task(
            engine.execute(
                Program(source=WAIT, owner=f"waiting {number}"), {"input": {"n": number}}, limits, host=gate
            )
        )
        for number in range(count)
    ]
    await gate.all_wait.wait()
    print(f"{f'until {count} wait':<26} {time.perf_counter() - begun:8.2f} s")
    print_memory()
    beside = await measure_starts(engine, starts)
    begun = time.perf_counter()
    gate.open()
    results = await asyncio.gather(*runs)
    print(f"{'until all have ended':<26} {time.perf_counter() - begun:8.2f} s")
    assert [result.output for result in results] == [{"value": number} for number in range(count)]
    await engine.shutdown()
    print(render_row("a start, alone", alone))
    print(render_row(f"a start, {count} waiting", beside))
    print(render_ratio("  against alone", beside, alone))


async def measure_starts(engine: Engine, count: int) -> Figures:
    """Run a small script now and then, of another Script each: each begins in a warm, unused worker."""
    latencies = []
    started = time.perf_counter()
    for number in range(count):
        begun = time.perf_counter()
        result = await engine.execute(Program(source=SOURCE, owner=f"start {number}"), CONTEXT, Limits())
        latencies.append(time.perf_counter() - begun)
        assert result.output == {"sum": 3}, result
        await asyncio.sleep(PAUSE_SECONDS)
    return summarize(latencies, time.perf_counter() - started)


def print_memory() -> None:
    """Print what the supervisor, the zygote and all workers hold together."""
    workers = [read_memory(process) for process in find_descendants(os.getpid())]
    own = read_memory(os.getpid())
    for kind in ("PSS", "private"):
        total = sum(each[kind] for each in workers)
        print(
            f"{f'  {kind}, {len(workers)} processes':<26} {total:8.0f} MiB,"
            f" {total / len(workers):.2f} each; and {own[kind]:.0f} of the supervisor"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="scripts that wait")
    parser.add_argument("--starts", type=int, default=400, help="scripts that start meanwhile")
    options = parser.parse_args()
    asyncio.run(measure_waiting(options.count, options.starts))
