"""`make bench-engine`: the sandbox alone, beside a process that does nothing: forks, runs, calls, memory."""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

from bench import floors, steady_load, waiting
from bench.figures import Figures, render_ratio, render_row, summarize
from bench.processes import find_descendants, read_memory
from scriptorium_runner.engine import Engine, EngineSettings, HttpRequest, Lane, Limits, Program, Seal
from scriptorium_runner.engine.workers.channel import Worker
from scriptorium_runner.engine.workers.zygote_process import ZygoteProcess

CONTEXT = {"tenant": {}, "user": None, "script": {}, "execution": {}, "input": {"a": 1, "b": 2}}
SOURCE = "return { sum: input.a + input.b };"
REQUEST = HttpRequest(
    method="GET", path="/sum", query={"a": "1"}, headers={"host": "example.org", "accept": "*/*"}, id="1"
)
#: Host calls of a run, so that the run itself weighs little beside them.
CALLS = 100
ONE_BY_ONE = f"for (let i = 0; i < {CALLS}; i++) await scripts.call('x', {{a: i}});"
ALL_AT_ONCE = f"await Promise.all(Array.from({{length: {CALLS}}}, (_, i) => scripts.call('x', {{a: i}})));"
LOOP = "for (;;);"
FLOOD = "const s = 'x'.repeat(1000); for (;;) console.log(s)"


async def measure_requests(engine: Engine, count: int) -> Figures:
    """Run the same small script as measure_runs, to answer a request."""
    program = Program(source=SOURCE, owner="owner-0", lane=Lane.HTTP, request=REQUEST)
    latencies = []
    started = time.perf_counter()
    for _ in range(count):
        begun = time.perf_counter()
        result = await engine.execute(program, CONTEXT, Limits())
        latencies.append(time.perf_counter() - begun)
        assert result.response is not None, result
    return summarize(latencies, time.perf_counter() - started)


async def measure_runs(engine: Engine, count: int, owners: int) -> Figures:
    """Run the same small script one at a time, as if of this many Scripts in turn."""
    latencies = []
    started = time.perf_counter()
    for number in range(count):
        program = Program(source=SOURCE, owner=f"owner-{number % owners}")
        begun = time.perf_counter()
        result = await engine.execute(program, CONTEXT, Limits())
        latencies.append(time.perf_counter() - begun)
        assert result.output == {"sum": 3}, result
    return summarize(latencies, time.perf_counter() - started)


class Echo:
    """A host that answers at once."""

    methods: Mapping[str, bool] = {"scripts.call": True}

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Give back what came."""
        return arguments


async def measure_calls(engine: Engine, count: int, source: str) -> Figures:
    """Run a script that makes CALLS host calls; the latency is its share of one call, all else in it."""
    latencies = []
    started = time.perf_counter()
    for _ in range(count):
        begun = time.perf_counter()
        result = await engine.execute(
            Program(source=source, owner="calls"), CONTEXT, Limits(api_calls=CALLS), host=Echo()
        )
        latencies.append((time.perf_counter() - begun) / CALLS)
        assert result.usage.api_calls == CALLS, result
    return summarize(latencies, time.perf_counter() - started)


async def measure_start(count: int) -> Figures:
    """Start a whole engine with one worker: the zygote's exec and the first fork."""
    latencies = []
    started = time.perf_counter()
    for _ in range(count):
        engine = Engine(EngineSettings(pool_size=1, spare_workers=0))
        begun = time.perf_counter()
        await engine.start()
        latencies.append(time.perf_counter() - begun)
        await engine.shutdown()
    return summarize(latencies, time.perf_counter() - started)


async def measure_fork(count: int) -> Figures:
    """What each further worker adds to an engine's start, from asking for it to its first message."""
    base, more = 1, 9
    latencies = []
    started = time.perf_counter()
    for _ in range(count):
        one = await time_start(base)
        many = await time_start(base + more)
        latencies.append(max(0.0, many - one) / more)
    return summarize(latencies, time.perf_counter() - started)


async def time_start(workers: int) -> float:
    """Give how long an engine with this many workers takes to start."""
    engine = Engine(EngineSettings(pool_size=workers, spare_workers=0))
    begun = time.perf_counter()
    await engine.start()
    taken = time.perf_counter() - begun
    await engine.shutdown()
    return taken


async def measure_bare_process(count: int) -> Figures:
    """The floor of the alternative: a Python process that does nothing."""
    latencies = []
    started = time.perf_counter()
    for _ in range(count):
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
        await process.wait()
        latencies.append(time.perf_counter() - begun)
    return summarize(latencies, time.perf_counter() - started)


async def measure_seals(count: int) -> dict[Seal, tuple[Figures, Figures]]:
    """What the seal costs: fork to ready, and a run, with it and without it, in turns on the same machine."""
    zygotes = {seal: await ZygoteProcess.start(seal) for seal in (Seal.NONE, Seal.FULL)}
    engines = {seal: Engine(EngineSettings(pool_size=2, seal=seal)) for seal in zygotes}
    for engine in engines.values():
        await engine.start()
    rounds = 10
    forks: dict[Seal, list[float]] = {seal: [] for seal in zygotes}
    runs: dict[Seal, list[float]] = {seal: [] for seal in zygotes}
    for _ in range(rounds):
        for seal, zygote in zygotes.items():
            forks[seal] += [await time_fork(zygote) for _ in range(count // rounds)]
            runs[seal] += [await time_run(engines[seal]) for _ in range(count // rounds)]
    for seal, zygote in zygotes.items():
        await zygote.stop()
        await engines[seal].shutdown()
    return {
        seal: (summarize(forks[seal], sum(forks[seal])), summarize(runs[seal], sum(runs[seal])))
        for seal in zygotes
    }


async def time_fork(zygote: ZygoteProcess) -> float:
    """Give how long a worker takes from being asked for to its first message."""
    begun = time.perf_counter()
    worker = await Worker.fork(zygote)
    taken = time.perf_counter() - begun
    worker.kill()
    await worker.exited
    worker.close()
    return taken


async def time_run(engine: Engine) -> float:
    """Give how long a small script takes in a warm worker."""
    begun = time.perf_counter()
    result = await engine.execute(Program(source=SOURCE, owner="one"), CONTEXT, Limits())
    taken = time.perf_counter() - begun
    assert result.output == {"sum": 3}, result
    return taken


async def measure_busy_memory(workers: int) -> list[dict[str, float]]:
    """Give the memory of workers that are in the middle of a script."""
    engine = Engine(EngineSettings(pool_size=workers, initial_workers=workers, spare_workers=0))
    await engine.start()
    # Besides the zygote, which has no script, each process is a worker at work.
    zygote = min(find_descendants(os.getpid()))
    leaving = asyncio.Event()
    runs = [
        asyncio.create_task(
            engine.execute(
                Program(source="for (;;) await 0", owner=f"{number}"), CONTEXT, Limits(), cancelled=leaving
            )
        )
        for number in range(workers)
    ]
    await asyncio.sleep(1)
    memory = [read_memory(process) for process in find_descendants(os.getpid()) if process != zygote]
    leaving.set()
    await asyncio.gather(*runs)
    await engine.shutdown()
    return memory


async def measure_load(seconds: float) -> None:
    """Print what callers of ten Scripts find at parts of the capacity."""
    engine = Engine(EngineSettings())
    await engine.start()

    async def call(number: int) -> None:
        program = Program(source=SOURCE, owner=f"owner-{number % 10}")
        result = await engine.execute(program, CONTEXT, Limits())
        assert result.output == {"sum": 3}, result

    capacity = await steady_load.measure_capacity(call, clients=10, seconds=seconds)
    print(f"{'capacity, 10 clients':<26} {capacity:8.1f}/s")
    for percent in (50, 80):
        before = engine.stats()
        figures = await steady_load.measure_steady(call, capacity * percent / 100, seconds)
        after = engine.stats()
        hits, misses = after.hits - before.hits, after.misses - before.misses
        print(render_row(f"at {percent} % of it", figures))
        print(f"{'  hit rate':<26} {100 * hits / (hits + misses):8.1f} %")
        print(f"{'  had to wait':<26} {100 * (after.waits - before.waits) / figures.count:8.1f} %")
    await engine.shutdown()


async def measure_neighbours(count: int) -> None:
    """Print what a small run takes alone, beside a loop, and beside a loop that floods its console."""
    engine = Engine(EngineSettings())
    await engine.start()
    alone = await measure_runs(engine, count, owners=1)
    print(render_row("alone", alone))
    for name, source in (("a loop", LOOP), ("a flood of lines", FLOOD)):
        leaving = asyncio.Event()
        program, limits = Program(source=source, owner=name), Limits(timeout_seconds=600)
        noise = asyncio.create_task(engine.execute(program, CONTEXT, limits, cancelled=leaving))
        beside = await measure_runs(engine, count, owners=1)
        print(render_row(f"beside {name}", beside))
        print(render_ratio("  against alone", beside, alone))
        leaving.set()
        lines = await noise
        if lines.logs:
            print(f"{'  lines it wrote':<26} {lines.logs_dropped + len(lines.logs):8d}")
    await engine.shutdown()


def print_memory(name: str, memory: list[dict[str, float]]) -> None:
    """Print the medians and sums of the processes' memory."""
    for kind in ("RSS", "PSS", "private"):
        values = [each[kind] for each in memory]
        print(
            f"{name}, {kind:<8} median {statistics.median(values):6.1f} MiB, "
            f"all {len(values)} {sum(values):6.1f} MiB"
        )


async def main(count: int, seconds: float, waiting_count: int) -> None:
    """Measure and print."""
    print(f"{'':<26} {'p50':>11} {'p99':>11} {'rate':>10} {'runs':>6}")
    print(render_row("a bare python process", await measure_bare_process(count // 10)))
    print(render_row("engine start", await measure_start(count // 10)))
    print(render_row("each further worker", await measure_fork(count // 20)))
    seals = await measure_seals(count)
    for index, name in enumerate(("fork to ready", "a run")):
        open_, sealed = seals[Seal.NONE][index], seals[Seal.FULL][index]
        print(render_row(f"{name}, not sealed", open_))
        print(render_row(f"{name}, sealed", sealed))
        print(render_ratio("  sealed against not", sealed, open_))
    engine = Engine(EngineSettings(pool_size=10))
    await engine.start()
    idle = [read_memory(process) for process in find_descendants(os.getpid())]
    floor = floors.measure_bare_engine(SOURCE, count)
    ours = await measure_runs(engine, count, owners=1)
    print(render_row("a bare engine's context", floor))
    print(render_row("a run, one Script", ours))
    print(render_ratio("  against the bare engine", ours, floor))
    if (node := floors.measure_node(SOURCE, count)) is not None:
        print(render_row("node, a fresh vm context", node))
        print(render_ratio("  against node", ours, node))
    asked = await measure_requests(engine, count)
    print(render_row("a request, one Script", asked))
    print(render_ratio("  against a run", asked, ours))
    print(render_row("a run, another Script each", await measure_runs(engine, count, owners=count)))
    await engine.shutdown()
    await measure_load(seconds)
    await measure_neighbours(count)
    print_memory("idle process", idle)
    print_memory("busy worker", await measure_busy_memory(10))
    await waiting.measure_waiting(waiting_count, count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="runs of a series")
    parser.add_argument("--seconds", type=float, default=5, help="length of the steady load")
    parser.add_argument("--waiting", type=int, default=1000, help="scripts that wait for a host call at once")
    options = parser.parse_args()
    asyncio.run(main(options.count, options.seconds, options.waiting))
