"""`make bench-executions`: from create to settled, against what the API server alone takes for it.

The floor is a bare client doing what a run cannot do without: one create, one watch event, two status
patches. Ours is a create whose status is settled by the namespace's runner. Both run on the same cluster, in
turns, one at a time and with 20 in flight, with objects of the same size; and watched by the same client.
"""

import argparse
import asyncio
import contextlib
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Figures, render_ratio, render_row, summarize
from scriptorium_client import Client, Resource, Selection, Synced, follow, load_config
from scriptorium_client.resources import EXECUTIONS, NAMESPACES, PODS, RUNNER_POOLS, SCRIPTS

API = "scriptorium.dev/v1alpha1"
SOURCE = "return { sum: input.a + input.b };"
IN_FLIGHT = 20
TERMINAL = {"Succeeded", "Failed", "TimedOut", "Cancelled"}


@dataclass(slots=True)
class Seen:
    """When the watch showed the steps of one run."""

    added: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    created_at: float = 0
    running_at: float = 0
    settled_at: float = 0
    status: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Place:
    """A namespace with a watch on its executions."""

    client: Client
    namespace: str
    runs: dict[str, Seen] = field(default_factory=dict)

    async def follow(self) -> None:
        """Note when each run appears, starts and ends."""
        async for event in follow(self.client, Selection(resource=EXECUTIONS, namespace=self.namespace)):
            if isinstance(event, Synced) or event.type == "DELETED":
                continue
            seen = self.runs.get(event.object["metadata"]["name"])
            if seen is None:
                continue
            seen.added.set()
            status = event.object.get("status", {})
            if status.get("phase") == "Running" and not seen.running_at:
                seen.running_at = time.perf_counter()
            if status.get("phase") in TERMINAL:
                seen.settled_at, seen.status = time.perf_counter(), status
                seen.settled.set()

    async def create(self) -> tuple[Seen, dict[str, Any]]:
        """Create a run."""
        name = f"bench-{secrets.token_hex(6)}"
        seen = self.runs[name] = Seen(created_at=time.perf_counter())
        made = await self.client.create(
            {
                "apiVersion": API,
                "kind": "ScriptExecution",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {"scriptRef": {"name": "sum"}, "input": {"a": 1, "b": 2}},
            },
            EXECUTIONS,
        )
        return seen, made


async def run_ours(place: Place) -> float:
    """Create a run and wait until it is settled."""
    seen, _ = await place.create()
    async with asyncio.timeout(60):
        await seen.settled.wait()
    assert seen.status["phase"] == "Succeeded", seen.status
    return seen.settled_at - seen.created_at


async def run_floor(place: Place) -> float:
    """Create a run and write the two statuses a runner would write, with nothing in between."""
    seen, made = await place.create()
    name = made["metadata"]["name"]
    async with asyncio.timeout(60):
        await seen.added.wait()
        for status in (CLAIMED, SETTLED):
            made = await place.client.replace_status(
                EXECUTIONS, name, place.namespace, status, made["metadata"]["resourceVersion"]
            )
        await seen.settled.wait()
    return seen.settled_at - seen.created_at


#: As large as what a runner writes for this script.
CLAIMED = {
    "observedGeneration": 1,
    "phase": "Running",
    "reason": "Running",
    "triggeredBy": "Manual",
    "attempt": 1,
    "runner": {"pod": "scriptorium-runner-default-0123456789-abcde", "uid": "u" * 36, "startId": "12345678"},
    "startTime": "2030-01-01T00:00:00.000000Z",
    "sourceHash": "sha256:" + "0" * 64,
    "scriptVersion": 1,
}
SETTLED = CLAIMED | {
    "phase": "Succeeded",
    "reason": "Completed",
    "output": {"sum": 3},
    "durationMs": 1,
    "usage": {"cpuMs": 1, "peakMemoryMB": 20},
    "completionTime": "2030-01-01T00:00:00.000000Z",
    "conditions": [
        {"type": kind, "status": "True", "reason": "Completed", "lastTransitionTime": "2030-01-01T00:00:00Z"}
        for kind in ("Complete", "Failed", "Finished")
    ],
}


async def measure(run: Callable[[Place], Awaitable[float]], place: Place, count: int, flight: int) -> Figures:
    """Run `count` of them, `flight` at a time."""
    left = count
    latencies: list[float] = []

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            latencies.append(await run(place))

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(flight):
            group.create_task(work())
    return summarize(latencies, time.perf_counter() - started)


@contextlib.asynccontextmanager
async def open_place(client: Client, replicas: int) -> AsyncIterator[Place]:
    """Give a namespace with a pool of this many runners; it is removed at the end."""
    namespace = f"bench-{secrets.token_hex(4)}"
    await client.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, NAMESPACES
    )
    pool = {"metadata": {"name": "default", "namespace": namespace}, "spec": {"replicas": replicas}}
    await client.create({"apiVersion": API, "kind": "RunnerPool"} | pool, RUNNER_POOLS)
    script = {"metadata": {"name": "sum", "namespace": namespace}, "spec": {"source": SOURCE}}
    await client.create({"apiVersion": API, "kind": "Script"} | script, SCRIPTS)
    place = Place(client, namespace)
    watching = asyncio.create_task(place.follow())
    try:
        yield place
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await client.delete(NAMESPACES, namespace)


async def wait_for_runners(place: Place, count: int) -> None:
    """Wait until all runners take runs."""
    async with asyncio.timeout(120):
        async for event in follow(place.client, Selection(resource=RUNNER_POOLS, namespace=place.namespace)):
            if not isinstance(event, Synced) and event.object.get("status", {}).get("ready") == count:
                return


async def measure_memory(place: Place) -> float:
    """Give the working set of the namespace's runner pod in MiB, as the kubelet counts it."""
    pod = (await place.client.list_all(PODS, place.namespace, labels="app.kubernetes.io/component=runner"))[0]
    node = pod["spec"]["nodeName"]
    stats = Resource("v1", "Summary", f"nodes/{node}/proxy/stats", is_namespaced=False)
    async with asyncio.timeout(60):
        while True:
            summary = await place.client.get(stats, "summary")
            for each in summary["pods"]:
                memory = each.get("memory", {}).get("workingSetBytes")
                if each["podRef"]["uid"] == pod["metadata"]["uid"] and memory:
                    return float(memory) / 2**20
            await asyncio.sleep(2)


def render_parts(runs: list[Seen]) -> list[str]:
    """Say what the time of a run goes to."""
    parts = {
        "create -> claim seen": [seen.running_at - seen.created_at for seen in runs],
        "claim seen -> end seen": [seen.settled_at - seen.running_at for seen in runs],
        "runner saw it -> script": [seen.status["startLatencyMs"] / 1000 for seen in runs],
        "the script itself": [seen.status["durationMs"] / 1000 for seen in runs],
    }
    return [f"  {name:<24} {statistics.median(values) * 1000:8.1f} ms" for name, values in parts.items()]


async def main(count: int, rounds: int, runners: int) -> None:
    """Measure in turns and print."""
    async with (
        Client(load_config()) as client,
        open_place(client, replicas=0) as floor_place,
        open_place(client, replicas=runners) as our_place,
    ):
        print("warming up: the pool's first pod and a few runs of both")
        first, _ = await our_place.create()
        await asyncio.wait_for(first.settled.wait(), 120)
        await wait_for_runners(our_place, runners)
        print(f"an idle runner pod with 10 workers: {await measure_memory(our_place):.0f} MiB")
        for place, run in ((floor_place, run_floor), (our_place, run_ours)):
            await measure(run, place, 20, 4)
        print(f"{'':<26} {'p50':>11} {'p99':>11} {'rate':>10} {'runs':>6}")
        for flight in (1, IN_FLIGHT):
            await compare(floor_place, our_place, count if flight == 1 else count * 4, flight, rounds)


async def compare(floor_place: Place, our_place: Place, count: int, flight: int, rounds: int) -> None:
    """Measure floor and ours in turns with this many in flight; print the round with the median ratio."""
    pairs = []
    for _ in range(rounds):
        our_place.runs.clear()
        floor = await measure(run_floor, floor_place, count, flight)
        ours = await measure(run_ours, our_place, count, flight)
        pairs.append((ours.p50 / floor.p50, floor, ours))
    pairs.sort(key=lambda pair: pair[0])
    _, floor, ours = pairs[len(pairs) // 2]
    print(f"\n{flight} in flight (median of {rounds} rounds; ratios of the rounds' p50: ", end="")
    print(", ".join(f"{ratio:.2f}" for ratio, _, _ in pairs) + ")")
    print(render_row("floor", floor))
    print(render_row("ours", ours))
    print(render_ratio("ours / floor", ours, floor))
    print("\n".join(render_parts([seen for seen in our_place.runs.values() if seen.settled_at])))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="runs of a round, one at a time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runners", type=int, default=2, help="runner pods of our namespace")
    options = parser.parse_args()
    asyncio.run(main(options.count, options.rounds, options.runners))
