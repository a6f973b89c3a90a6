"""The trial: a Script and a run of it are made, watched until they are done with, and removed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from scriptorium_api import names
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script
from scriptorium_client import resources
from scriptorium_client.client import Client
from scriptorium_client.errors import ApiError, Conflict, NotFound, Unavailable
from scriptorium_client.resources import Resource
from scriptorium_client.selftest import diagnosis, scene
from scriptorium_client.selftest.scene import Manifest, Scene

#: Of the Script and of its run: one name, so that the account needs rights on nothing else.
NAME = "scriptorium-test"

OPERATOR = "scriptorium-operator"

SOURCE = "return { doubled: input.number * 2 };"

_LABELS = {"app.kubernetes.io/name": "scriptorium", "app.kubernetes.io/component": "test"}

#: Seconds between two looks.
_PAUSE = 0.5


class TrialFailed(Exception):
    """The installation does not do what it should; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the test takes place, and for how long at most."""

    release_namespace: str
    namespace: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of an installation."""

    client: Client
    place: Place
    clock: Callable[[], float]

    async def run(self, number: int) -> str:
        """Have a Script double a number, and say what came of it; raises TrialFailed."""
        async with self._with_objects(number):
            last = await self._wait()
        if cause := diagnosis.explain(last):
            raise TrialFailed(cause)
        status = last.run.status if last.run else None
        output = status.output if status else None
        if output != {"doubled": number * 2}:
            raise TrialFailed(f"its run gave {output} instead of {number * 2}")
        return f"a Script ran in namespace {self.place.namespace} and gave {output}"

    @asynccontextmanager
    async def _with_objects(self, number: int) -> AsyncIterator[None]:
        script = self._make("Script", {"source": SOURCE})
        run = self._make("ScriptExecution", {"scriptRef": {"name": NAME}, "input": {"number": number}})
        try:
            # Those of a test that was killed are in the way.
            await self._remove(resources.EXECUTIONS)
            await self._remove(resources.SCRIPTS)
            await self._create(script, resources.SCRIPTS)
            await self._create(run, resources.EXECUTIONS)
            yield
        finally:
            await self._remove(resources.EXECUTIONS)
            await self._remove(resources.SCRIPTS)

    def _make(self, kind: str, spec: Manifest) -> Manifest:
        metadata = {"name": NAME, "namespace": self.place.namespace, "labels": _LABELS}
        return {"apiVersion": names.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    async def _create(self, manifest: Manifest, resource: Resource) -> None:
        kind, namespace = manifest["kind"], self.place.namespace
        try:
            await self.client.create(manifest, resource)
        except Conflict as error:
            raise TrialFailed(
                f"there is a {kind} {NAME} in namespace {namespace} that is not the test's"
            ) from error
        except NotFound as error:
            raise TrialFailed(
                f"the API server knows no {kind} in namespace {namespace}: is the CRD there? ({error})"
            ) from error
        except ApiError as error:
            raise TrialFailed(f"the API server does not take a {kind}: {error}") from error

    async def _remove(self, resource: Resource) -> None:
        """Remove the test's own object; what is not to be removed says so when another is made."""
        try:
            item = await self.client.find(resource, NAME, self.place.namespace)
            if item and _LABELS.items() <= item["metadata"].get("labels", {}).items():
                uid = item["metadata"]["uid"]
                await self.client.delete(resource, NAME, self.place.namespace, uid=uid)
        except ApiError:
            return

    async def _wait(self) -> Scene:
        """Give what there is to see when all is well, or at the latest when the time is over."""
        deadline = self.clock() + self.place.seconds
        last: Scene | None = None
        while True:
            try:
                last = await self._look()
            except Unavailable as error:
                if self.clock() > deadline:
                    raise TrialFailed(f"the API server does not answer: {error}") from error
            except ApiError as error:
                raise TrialFailed(f"the API server does not show what became of the test: {error}") from error
            if last and (diagnosis.is_over(last) or self.clock() > deadline):
                return last
            await asyncio.sleep(_PAUSE)

    async def _look(self) -> Scene:
        release, namespace = self.place.release_namespace, self.place.namespace
        deployment = await self.client.find(resources.DEPLOYMENTS, OPERATOR, release)
        labels = "app.kubernetes.io/name=scriptorium,app.kubernetes.io/component=operator"
        pods = await self.client.list_all(resources.PODS, release, labels=labels)
        script = await self.client.find(resources.SCRIPTS, NAME, namespace)
        pool = await self.client.find(resources.RUNNER_POOLS, names.DEFAULT_POOL, namespace)
        run = await self.client.find(resources.EXECUTIONS, NAME, namespace)
        return Scene(
            operator=scene.read_operator(deployment, pods),
            script=_read(Script, script),
            pool=_read(RunnerPool, pool),
            run=_read(ScriptExecution, run),
        )


def _read(model: Any, item: Manifest | None) -> Any:
    return model.from_stored(item) if item else None
