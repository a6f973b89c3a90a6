"""Many Scripts in one cluster while the operator starts again; and an API server that is away for long."""

import asyncio
import os
import re
import secrets
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import cycle

import pytest
import pytest_asyncio

from scriptorium_api.names import GROUP
from scriptorium_client import Client, Event, Selection, follow
from scriptorium_client.client import Manifest
from scriptorium_client.resources import EXECUTIONS, NAMESPACES, SCRIPTS
from tests.integration.operator.processes import OperatorProcess, StartOperator
from tests.integration.operator.test_outage import Site, play_outage
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, pool, script
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

#: How many Scripts there are, and how long the API server is away; less for a first look.
SCRIPTS_IN_ALL = int(os.environ.get("SOAK_SCRIPTS", "10000"))
OUTAGE_SECONDS = int(os.environ.get("SOAK_OUTAGE_SECONDS", "300"))

SOURCE_BYTES = 4096
NAMESPACE_COUNT = 5
IN_FLIGHT = 32

#: What is promised of an operator that starts among so many.
MOST_SECONDS_TO_READY, MOST_MIB = 60, 500

#: For so long nothing is written once all is known.
QUIET_SECONDS = 60

#: What nobody but the operator writes.
OURS = ("scripts", "runnerpools")


@dataclass
class Crowd:
    """Namespaces full of Scripts; the first has a runner, the others a pool of none."""

    client: Client
    namespaces: list[str]
    judged: set[str] = field(default_factory=set)
    """The UIDs of the Scripts whose status is up to date."""

    async def follow(self) -> None:
        """Note which Scripts are judged."""
        async with aclosing(follow(self.client, Selection(resource=SCRIPTS))) as events:
            async for event in events:
                if isinstance(event, Event) and event.type != "DELETED" and self._is_judged(event.object):
                    self.judged.add(event.object["metadata"]["uid"])

    def _is_judged(self, item: Manifest) -> bool:
        metadata, status = item["metadata"], item.get("status", {})
        return (
            metadata["namespace"] in self.namespaces
            and status.get("observedGeneration") == metadata["generation"]
        )

    async def fill(self, count: int) -> None:
        """Make so many Scripts, a bounded number at a time."""
        numbers = iter(range(count))
        await asyncio.gather(*(self._make_scripts(numbers) for _ in range(IN_FLIGHT)))

    async def _make_scripts(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            namespace = self.namespaces[number % len(self.namespaces)]
            await self.make_script(namespace, f"script-{number}", number)

    async def make_script(self, namespace: str, name: str, number: int) -> str:
        """Make a Script like no other; give its UID."""
        code = f"return {number};"
        source = f"//{'x' * (SOURCE_BYTES - len(code) - 3)}\n{code}"
        manifest = script(name, source=source)
        manifest["metadata"]["namespace"] = namespace
        made = await self.client.create(manifest, SCRIPTS)
        return str(made["metadata"]["uid"])


@pytest_asyncio.fixture
async def crowd(client: Client, kubectl: Kubectl) -> AsyncIterator[Crowd]:
    """The crowd's namespaces, without Scripts yet; all is gone at the end, for good."""
    names = [f"soak-{number}-{secrets.token_hex(2)}" for number in range(NAMESPACE_COUNT)]
    for number, name in enumerate(names):
        kubectl.run("create", "namespace", name)
        kubectl.create(pool(replicas=1 if number == 0 else 0), name)
    found = Crowd(client, names)
    following = asyncio.create_task(found.follow())
    yield found
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    for name in names:
        await client.delete(NAMESPACES, name)
    await until_async(lambda: are_gone(client, names), 600)


async def are_gone(client: Client, names: list[str]) -> bool:
    return [await client.find(NAMESPACES, name) for name in names] == [None] * len(names)


@dataclass
class Service:
    """Runs that are asked for one after the other all the time."""

    client: Client
    namespace: str
    seconds: list[float] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)

    async def serve(self) -> None:
        """Create a run, wait for its end, note how long that took; for ever."""
        for number in cycle(range(20)):
            name = f"run-{number}"
            begun = time.monotonic()
            self.ends[await self._run(name)] += 1
            self.seconds.append(time.monotonic() - begun)
            await self.client.delete(EXECUTIONS, name, self.namespace)
            await asyncio.sleep(0.2)

    async def _run(self, name: str) -> str:
        manifest = execution(name, scriptRef={"name": "script-0"})
        manifest["metadata"]["namespace"] = self.namespace
        await self.client.create(manifest, EXECUTIONS)

        async def find_end() -> str:
            status = (await self.client.get(EXECUTIONS, name, self.namespace))["status"]
            return str(status["phase"]) if status["phase"] not in ("Pending", "Running") else ""

        return await until_async(find_end, 60)

    def clear(self) -> None:
        """Forget what was noted."""
        self.seconds.clear()
        self.ends.clear()

    def render(self) -> str:
        """Say how the runs went."""
        return (
            f"{len(self.seconds)} runs one by one, create to end seen:"
            f" median {statistics.median(self.seconds):.2f} s, at most {max(self.seconds):.2f} s;"
            f" {dict(self.ends)}"
        )


async def test_an_operator_that_starts_among_many_scripts_is_soon_ready_and_writes_nothing(
    crowd: Crowd, client: Client, kubectl: Kubectl, start_operator: StartOperator
) -> None:
    print(f"\n{SCRIPTS_IN_ALL} Scripts of {SOURCE_BYTES} bytes in {NAMESPACE_COUNT} namespaces")
    first = await asyncio.to_thread(start_operator)
    begun = time.monotonic()
    await crowd.fill(SCRIPTS_IN_ALL)
    tell("made", begun)
    await wait_until(lambda: len(crowd.judged) == SCRIPTS_IN_ALL)
    tell("judged, since the first was made", begun)
    tell_memory("that judged them", first)
    await asyncio.to_thread(first.stop)
    service = Service(client, crowd.namespaces[0])
    serving = asyncio.create_task(service.serve())
    await wait_until(lambda: service.ends["Succeeded"] > 1)
    service.clear()
    writes = count_writes(kubectl)

    begun = time.monotonic()
    second = await asyncio.to_thread(start_operator)
    seconds_to_ready = tell("ready after a restart", begun)
    news = await crowd.make_script(crowd.namespaces[1], "news", -1)
    await wait_until(lambda: news in crowd.judged)
    seconds_to_news = tell("a Script that is new then is judged", begun)
    await asyncio.sleep(QUIET_SECONDS)
    tell_memory("that started among them", second)
    more = count_writes(kubectl) - writes
    print(f"  writes of ours since the restart, at the API server: {dict(more)}")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    print(f"  {service.render()}")

    assert max(seconds_to_ready, seconds_to_news) < MOST_SECONDS_TO_READY
    # The new Script was made and judged; nothing else was touched.
    assert more == {("scripts", "", "POST"): 1, ("scripts", "status", "PATCH"): 1}
    assert second.read_peak_memory() < MOST_MIB
    assert set(service.ends) == {"Succeeded"}
    assert second.ask("/healthz") == 200


async def test_runs_outlast_an_api_server_that_is_long_away(site: Site) -> None:
    print(f"\nThe API server is away for {OUTAGE_SECONDS} s")
    begun = time.monotonic()
    await play_outage(site, OUTAGE_SECONDS)
    tell("all is settled and judged, since the runs began", begun)


async def wait_until(check: Callable[[], bool]) -> None:
    """Wait without taking a share of the machine that is measured."""

    async def look() -> bool:
        return check()

    await until_async(look, 1800)


def tell(what: str, begun: float) -> float:
    seconds = time.monotonic() - begun
    print(f"  {seconds:7.1f} s  {what}")
    return seconds


def tell_memory(which: str, operator: OperatorProcess) -> None:
    print(f"  {operator.read_peak_memory():5.0f} MiB  at most, the operator {which}")


def count_writes(kubectl: Kubectl) -> Counter[tuple[str, str, str]]:
    """Count what the API server was asked to write of the kinds that only the operator and we write."""
    found: Counter[tuple[str, str, str]] = Counter()
    for line in kubectl.run("get", "--raw", "/metrics").splitlines():
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        if not line.startswith("apiserver_request_total{") or labels["group"] != GROUP:
            continue
        if labels["resource"] in OURS and labels["verb"] in ("POST", "PUT", "PATCH", "APPLY", "DELETE"):
            key = (labels["resource"], labels["subresource"], labels["verb"])
            found[key] += int(float(line.rpartition(" ")[2]))
    return found
