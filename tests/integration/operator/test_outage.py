"""An API server that is away, or restarted again and again: for the operator and for runners at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from scriptorium_client import Client, Event, Selection, follow, load_config
from scriptorium_client.resources import EXECUTIONS, LEASES, SCRIPTS
from tests.integration.chart.rendering import NAMESPACE
from tests.integration.operator.conftest import DEPLOYMENT
from tests.integration.operator.processes import OperatorProcess, make_environment
from tests.integration.runner.conftest import Runners, Runs, write_kubeconfig
from tests.support.kubectl import Kubectl
from tests.support.manifests import pool, script
from tests.support.proxy import Wire
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

#: How long the API server is away here; `make soak` has longer ones.
OUTAGE_SECONDS = 30

#: Within so many seconds after a fault everything is as it should be.
SOON = 30

RESTARTS = 20


def busy_for(seconds: int) -> str:
    return f"const end = Date.now() + {seconds * 1000}; while (Date.now() < end); return 'done';"


LONG: dict[str, Any] = {"timeoutSeconds": 600, "limits": {"timeoutSeconds": 600}}


@dataclass
class Site:
    """An operator and two runners in a namespace, each behind a wire of its own."""

    runs: Runs
    kubectl: Kubectl
    operator: OperatorProcess
    wires: list[Wire]
    phases: dict[str, list[str]] = field(default_factory=dict)
    """What a watch that nobody cuts saw of each run."""

    async def note_phases(self) -> None:
        """Note every phase of every run."""
        selection = Selection(resource=EXECUTIONS, namespace=self.runs.namespace)
        async for event in follow(self.runs.client, selection):
            if isinstance(event, Event):
                name, phase = event.object["metadata"]["name"], event.object["status"]["phase"]
                self.phases.setdefault(name, []).append(phase)

    def cut(self) -> None:
        for wire in self.wires:
            wire.cut()

    def mend(self) -> None:
        for wire in self.wires:
            wire.mend()

    def apply_script(self, name: str) -> None:
        self.kubectl.apply(script(name, source="return 1"), self.runs.namespace)

    async def is_judged(self, name: str) -> bool:
        """Say whether the operator has judged a Script; kubectl would hold up the wires of this very loop."""
        found = await self.runs.client.get(SCRIPTS, name, self.runs.namespace)
        return bool(found.get("status", {}).get("conditions"))

    def check_ends(self, names: list[str]) -> None:
        """Each run was taken once and ended once."""
        once = ["Pending", "Running", "Succeeded"]
        assert {name: self.phases[name] for name in names} == dict.fromkeys(names, once)


@asynccontextmanager
async def start_operator(
    kubeconfig: str, installed: dict[str, Any] | None, folder: Path
) -> AsyncIterator[tuple[OperatorProcess, Wire]]:
    """Give an operator behind a wire."""
    server = urlsplit(load_config(kubeconfig).server)
    wire = Wire(server.hostname or "", server.port or 443)
    path = folder / "operator.kubeconfig"
    write_kubeconfig(kubeconfig, path, await wire.start())
    operator = OperatorProcess(make_environment(str(path), installed, 0), folder / "operator.log")
    try:
        # The wire is carried by this very loop, which must not be blocked.
        await asyncio.to_thread(operator.wait_until_ready)
        yield operator, wire
    finally:
        operator.kill()
        await wire.stop()


@pytest_asyncio.fixture
async def site(
    operator_kubeconfig: str,
    _installed_operator_rests: dict[str, Any] | None,
    kubectl: Kubectl,
    client: Client,
    namespace: str,
    tmp_path: Path,
) -> AsyncIterator[Site]:
    """A site in a namespace of its own."""
    await client.delete(LEASES, DEPLOYMENT, NAMESPACE)
    kubectl.create(pool(replicas=0), namespace)
    runners = Runners(kubectl, namespace, tmp_path)
    async with AsyncExitStack() as stack:
        operator, wire = await stack.enter_async_context(
            start_operator(operator_kubeconfig, _installed_operator_rests, tmp_path)
        )
        wires = [wire]
        for _ in range(2):
            wires.append((await stack.enter_async_context(runners.start())).wire)
        found = Site(Runs(client, namespace), kubectl, operator, wires)
        noting = asyncio.create_task(found.note_phases())
        yield found
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)


async def test_what_was_in_progress_when_the_api_server_went_is_settled_once_when_it_is_back(
    site: Site,
) -> None:
    await play_outage(site, OUTAGE_SECONDS)


async def play_outage(site: Site, seconds: int) -> None:
    """Take the API server away while runs are in progress; some end before it is back, one after."""
    await site.runs.create("short", busy_for(10), **LONG)
    await site.runs.create("long", busy_for(seconds + 10), **LONG)
    for name in ("short", "long"):
        await site.runs.reach(name, "Running")
    site.cut()
    # Else it might wait for longer than a run waits if nothing is said.
    await site.runs.create("meanwhile", "return 1;", startDeadlineSeconds=seconds + 300)
    site.apply_script("meanwhile")
    await asyncio.sleep(seconds)
    assert all(wire.refused for wire in site.wires)
    assert [(await site.runs.status(name))["phase"] for name in ("short", "long")] == ["Running"] * 2
    assert not await site.is_judged("meanwhile")
    site.mend()
    async with asyncio.timeout(SOON):
        await until_async(lambda: site.is_judged("meanwhile"), SOON)
        for name in ("short", "long", "meanwhile"):
            await site.runs.reach(name, "Succeeded", "Failed", seconds=SOON)
    site.check_ends(["short", "long", "meanwhile"])
    assert site.operator.ask("/healthz") == 200


async def test_restarts_of_the_api_server_in_a_row_lose_no_run_and_double_none(site: Site) -> None:
    await site.runs.create("long", busy_for(20), **LONG)
    await site.runs.reach("long", "Running")
    names = ["long"]
    for number in range(RESTARTS):
        site.cut()
        await until_async(lambda: all(wire.refused for wire in site.wires), SOON)
        site.mend()
        await until_async(lambda: all(wire.is_used for wire in site.wires), SOON)
        names.append(f"run-{number}")
        await site.runs.create(names[-1], "return 1;")
    site.apply_script("last")
    async with asyncio.timeout(SOON):
        await until_async(lambda: site.is_judged("last"), SOON)
        for name in names:
            await site.runs.reach(name, "Succeeded", "Failed", seconds=SOON)
    site.check_ends(names)
    assert site.operator.ask("/healthz") == 200
