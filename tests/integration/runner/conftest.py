"""A runner as a process of this checkout, on the real API server, behind a wire that can be cut."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
import yaml

from scriptorium_api import names
from scriptorium_client import Client, Event, Selection, follow, load_config
from scriptorium_client.resources import EXECUTIONS
from tests.support.kubectl import Kubectl
from tests.support.manifests import pool
from tests.support.proxy import Wire
from tests.support.waiting import until_async


@dataclass
class RunnerProcess:
    """A running `scriptorium-runner pool` and its wire."""

    process: asyncio.subprocess.Process
    wire: Wire
    pod: str

    async def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), seconds)


class Runners:
    """Starts runners in one namespace that has no others."""

    def __init__(self, kubectl: Kubectl, namespace: str, folder: Path) -> None:
        self._kubectl, self.namespace, self._folder = kubectl, namespace, folder
        self._kubeconfig = kubectl.kubeconfig
        self._started = 0

    def make_pod(self) -> str:
        """Make a pod object for a runner to be: nobody schedules it, but it has a UID and can be deleted."""
        self._started += 1
        name = f"runner-{self._started}"
        container = {"name": "runner", "image": "none"}
        metadata = {"name": name, "labels": names.runner_labels(names.DEFAULT_POOL)}
        spec = {"schedulerName": "nobody", "containers": [container]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        self._kubectl.create(pod, self.namespace)
        return name

    @asynccontextmanager
    async def start(
        self, pod: str = "", command: str = "pool", **settings: str
    ) -> AsyncIterator[RunnerProcess]:
        """Give a runner with these settings in its environment; it is ended at the end.

        With the name of a pod it is another start of that pod's container.
        """
        name = pod or self.make_pod()
        server = urlsplit(load_config(self._kubeconfig).server)
        wire = Wire(server.hostname or "", server.port or 443)
        path = self._folder / f"{name}.kubeconfig"
        write_kubeconfig(self._kubeconfig, path, await wire.start())
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(path),
            "POD_NAME": name,
            "POD_UID": self._uid(name),
            "POD_NAMESPACE": self.namespace,
            "SCRIPTORIUM_TENANT_ID": "tenant",
            "SCRIPTORIUM_HTTP_NODE_ADDRESSES": "192.0.2.1",
            "SCRIPTORIUM_HTTP_DENIED_ADDRESSES": "192.0.2.2",
            "SCRIPT_VM_POOL_SIZE": "2",
            "SCRIPTORIUM_HEALTH_PORT": "0",
            "SCRIPTORIUM_HTTP_PORT": "0",
            "SCRIPTORIUM_INTERNAL_PORT": "0",
        } | settings
        log = os.open(self._folder / f"{name}.log", os.O_CREAT | os.O_WRONLY)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scriptorium_runner", command), env=environment, stdout=log, stderr=log
        )
        os.close(log)
        try:
            yield RunnerProcess(process, wire, name)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await wire.stop()

    def _uid(self, pod: str) -> str:
        found = self._kubectl.get("pod", pod, self.namespace)
        assert found
        uid: str = found["metadata"]["uid"]
        return uid


def write_kubeconfig(source: str, target: Path, port: int) -> None:
    """Write a kubeconfig that goes through the wire at this port."""
    document = yaml.safe_load(Path(source).read_text())
    cluster = document["clusters"][0]["cluster"]
    cluster["server"] = f"https://127.0.0.1:{port}"
    # The API server's certificate is for its own address, not for the wire's.
    cluster.pop("certificate-authority-data", None)
    cluster["insecure-skip-tls-verify"] = True
    target.write_text(yaml.safe_dump(document))


@pytest.fixture
def runners(namespace: str, kubectl: Kubectl, tmp_path: Path) -> Runners:
    """Runners of the test's own; the operator, if there is one, is kept from adding any."""
    kubectl.create(pool(replicas=0), namespace)
    return Runners(kubectl, namespace, tmp_path)


@dataclass
class Runs:
    """The runs of a namespace, as the API server has them."""

    client: Client
    namespace: str

    async def create(self, name: str, source: str, **spec: Any) -> None:
        """Create a run with its own source."""
        manifest = {
            "apiVersion": "scriptorium.dev/v1alpha1",
            "kind": "ScriptExecution",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"source": source} | spec,
        }
        await self.client.create(manifest, EXECUTIONS)

    async def status(self, name: str) -> dict[str, Any]:
        """Give a run's status."""
        found = await self.client.get(EXECUTIONS, name, self.namespace)
        status: dict[str, Any] = found["status"]
        return status

    async def reach(self, name: str, *phases: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until a run is in one of the phases; give its status."""

        async def reached() -> dict[str, Any] | None:
            status = await self.status(name)
            return status if status["phase"] in phases else None

        found = await until_async(reached, seconds)
        assert found
        return found

    async def reach_all(self, count: int, phase: str) -> None:
        """Wait, with one watch and no further request, until so many runs are in the phase."""
        reached: set[str] = set()
        selection = Selection(resource=EXECUTIONS, namespace=self.namespace)
        async with asyncio.timeout(60), aclosing(follow(self.client, selection)) as events:
            async for event in events:
                if isinstance(event, Event) and event.object["status"]["phase"] == phase:
                    reached.add(event.object["metadata"]["name"])
                if len(reached) == count:
                    return


@pytest_asyncio.fixture
async def runs(client: Client, namespace: str) -> Runs:
    """The runs of the test's namespace."""
    return Runs(client, namespace)
