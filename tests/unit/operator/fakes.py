"""Valid objects to start from, and a cluster in memory: fakes of our own gateways."""

from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scriptorium_api import names
from scriptorium_api.cron_script import CronScript
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script
from scriptorium_operator.cron_facts import CronRun, FiredJob
from scriptorium_operator.errors import Outdated
from scriptorium_operator.facts import (
    POOL_USERS,
    Address,
    ConfigMapContent,
    EndedRun,
    Key,
    Kind,
    Manifest,
    RunPod,
    SyntaxFault,
    Tenant,
)
from scriptorium_operator.gateways import reading
from scriptorium_operator.notices import InSync, Notice
from scriptorium_operator.services.work import Work

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_script(**changes: Any) -> Script:
    spec = changes.pop("spec", {"source": "return 1"})
    return Script.from_wire(
        {
            "apiVersion": names.API_VERSION,
            "kind": "Script",
            "metadata": {"name": "hello", "namespace": "team", "uid": "s1", "generation": 1} | changes,
            "spec": spec,
        }
    )


def make_cron_script(**spec: Any) -> CronScript:
    return CronScript.from_wire(
        {
            "apiVersion": names.API_VERSION,
            "kind": "CronScript",
            "metadata": {
                "name": "nightly",
                "namespace": "team",
                "uid": "c1",
                "generation": 3,
                "creationTimestamp": NOW.isoformat(),
            },
            "spec": {"schedule": "0 3 * * *"} | ({} if "script" in spec else SCRIPT_REF) | spec,
        }
    )


SCRIPT_REF = {"scriptRef": {"name": "hello"}}


def make_endpoint(
    name: str = "shop", namespace: str = "team", minutes: float = 0, uid: str = "", **spec: Any
) -> Endpoint:
    """Give an Endpoint that was made so many minutes from now."""
    return Endpoint.from_wire(
        {
            "apiVersion": names.API_VERSION,
            "kind": "Endpoint",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": uid or f"{namespace}-{name}",
                "generation": 2,
                "creationTimestamp": (NOW + timedelta(minutes=minutes)).isoformat(),
            },
            "spec": {"host": "shop.example.com", "path": "/orders", "auth": [{"none": {}}]}
            | ({} if "script" in spec else SCRIPT_REF)
            | spec,
        }
    )


def make_cron_run(name: str = "run", minutes: float = 0, **fields: Any) -> CronRun:
    """Give a run of a slot, these minutes from now, that succeeded a minute later."""
    slot = NOW + timedelta(minutes=minutes)
    values: dict[str, Any] = {
        "cron_script": Key(Kind.CRON_SCRIPT, "team", "nightly"),
        "uid": f"uid-{name}",
        "slot": slot,
        "created": slot,
        "phase": Phase.SUCCEEDED,
        "reason": Reason.COMPLETED,
        "completed": slot + timedelta(minutes=1),
        "owner": "c1",
    }
    return CronRun(name=name, **(values | fields))


def make_fired_job(name: str = "", minutes: float = 0, **fields: Any) -> FiredJob:
    """Give the Job of a slot, these minutes from now, that was made a second later."""
    slot = NOW + timedelta(minutes=minutes)
    key = Key(Kind.JOB, "team", name or names.slot_job_name("nightly", slot))
    values: dict[str, Any] = {
        "uid": f"uid-{key.name}",
        "cron_job": Key(Kind.CRON_JOB, "team", names.cron_job_name("nightly")),
        "cron_script": Key(Kind.CRON_SCRIPT, "team", "nightly"),
        "slot": slot,
        "created": slot + timedelta(seconds=1),
    }
    return FiredJob(key=key, **(values | fields))


def make_pool(**spec: Any) -> RunnerPool:
    return RunnerPool.from_wire(
        {
            "apiVersion": names.API_VERSION,
            "kind": "RunnerPool",
            "metadata": {
                "name": "default",
                "namespace": "team",
                "uid": "p1",
                "generation": 1,
                "labels": names.runner_labels("default"),
            },
            "spec": spec,
        }
    )


def make_ended(name: str = "run", minutes: float = 0, **fields: Any) -> EndedRun:
    values = {
        "script": "hello",
        "phase": "Succeeded",
        "reason": "Completed",
        "message": "",
        "ttl_seconds": None,
        "size": 100,
    } | fields
    key = Key(Kind.EXECUTION, "team", name)
    return EndedRun(key=key, uid=f"uid-{name}", ended=NOW + timedelta(minutes=minutes), **values)


@dataclass
class FakeCluster:
    """The gateway's verbs over a dictionary; counts what is written."""

    objects: dict[Key, Manifest] = field(default_factory=dict)
    config_maps: dict[tuple[str, str], ConfigMapContent] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    ending: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)
    events: list[Manifest] = field(default_factory=list)
    run_pods: dict[str, RunPod] = field(default_factory=dict)
    told: list[Notice | InSync] = field(default_factory=list)
    is_shared: bool = False
    outage: Exception | None = None
    refusals: dict[Kind, Exception] = field(default_factory=dict)

    def put(self, item: Script | CronScript | Endpoint | RunnerPool | ScriptExecution) -> None:
        metadata = item.metadata
        self.objects[Key(Kind(item.kind), metadata.namespace, metadata.name)] = item.to_wire()

    async def find(self, key: Key) -> Manifest | None:
        if self.outage:
            raise self.outage
        return self.objects.get(key)

    async def find_script(self, key: Key) -> Script | None:
        item = await self.find(key)
        return Script.from_wire(item) if item else None

    async def find_cron_script(self, key: Key) -> CronScript | None:
        item = await self.find(key)
        return CronScript.from_wire(item) if item else None

    async def find_endpoint(self, key: Key) -> Endpoint | None:
        item = await self.find(key)
        return Endpoint.from_wire(item) if item else None

    async def find_pool(self, key: Key) -> RunnerPool | None:
        item = await self.find(key)
        return RunnerPool.from_wire(item) if item else None

    async def find_execution(self, key: Key) -> ScriptExecution | None:
        item = await self.find(key)
        return ScriptExecution.from_wire(item) if item else None

    async def find_run_pod(self, namespace: str, job_name: str) -> RunPod | None:
        return self.run_pods.get(job_name)

    async def list_cron_runs(self, cron_script: CronScript) -> list[CronRun]:
        runs = [
            reading.read_cron_run(item) for key, item in self.objects.items() if key.kind is Kind.EXECUTION
        ]
        return [run for run in runs if run and run.owner == cron_script.metadata.uid]

    async def create(self, manifest: Manifest) -> None:
        metadata = manifest["metadata"]
        key = Key(Kind(manifest["kind"]), metadata["namespace"], metadata["name"])
        if refusal := self.refusals.get(key.kind):
            raise refusal
        if key in self.objects:
            raise Outdated
        self.writes.append(f"create {key.kind}")
        given = {"uid": f"uid-{key.name}", "creationTimestamp": NOW.isoformat()}
        self.objects[key] = manifest | {"metadata": metadata | given}

    async def find_config_map(self, namespace: str, name: str) -> ConfigMapContent | None:
        return self.config_maps.get((namespace, name))

    async def find_tenant(self, namespace: str) -> Tenant | None:
        return None if namespace in self.ending else Tenant(id="n1", name=namespace, labels={})

    async def find_api_server(self) -> list[Address]:
        return [Address("10.0.0.1", 6443)]

    async def has_pool_users(self, namespace: str) -> bool:
        return any(key.kind in POOL_USERS and key.namespace == namespace for key in self.objects)

    async def has_unfinished_runs(self, namespace: str) -> bool:
        return namespace in self.unfinished

    async def apply(self, manifest: Manifest, live: Manifest | None = None) -> Manifest:
        metadata = manifest["metadata"]
        key = Key(Kind(manifest["kind"]), metadata["namespace"], metadata["name"])
        if refusal := self.refusals.get(key.kind):
            raise refusal
        self.writes.append(f"apply {key.kind}")
        managers = [{"manager": names.MANAGER}] + [{"manager": "kubectl"}] * self.is_shared
        given = {"uid": f"uid-{key.name}", "generation": 1, "managedFields": managers}
        # As it comes back from the API server: another object than the one that was sent.
        self.objects[key] = deepcopy(manifest | {"metadata": metadata | given})
        return self.objects[key]

    async def replace_status(
        self, former: Script | CronScript | Endpoint | RunnerPool | ScriptExecution, status: Manifest
    ) -> None:
        metadata = former.metadata
        key = Key(Kind(former.kind), metadata.namespace, metadata.name)
        if key not in self.objects:
            raise Outdated
        self.writes.append(f"status {key.kind}")
        self.objects[key] = self.objects[key] | {"status": status}

    async def announce(self, event: Manifest) -> None:
        self.events.append(event)

    async def delete(self, key: Key, uid: str) -> None:
        if self.outage:
            raise self.outage
        self.writes.append(f"delete {key.kind}")
        self.objects.pop(key, None)

    async def follow(self, kind: Kind) -> AsyncIterator[Notice | InSync]:
        for told in self.told:
            yield told


@dataclass
class FakeSyntax:
    """Says of every source what the test wants said."""

    fault: SyntaxFault | None = None
    failure: Exception | None = None
    asked: int = 0

    async def find_fault(self, source: str) -> SyntaxFault | None:
        self.asked += 1
        if self.failure:
            raise self.failure
        return self.fault


@dataclass
class Clock:
    """The time, as the test sets it."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


class RecordedWork(Work):
    """Work that also tells what was asked for."""

    def __init__(self) -> None:
        super().__init__(jitter=lambda: 0.0)
        self.added: list[Key] = []

    def add(self, key: Key) -> None:
        self.added.append(key)
        super().add(key)


def make_notice(kind: Kind, name: str = "hello", namespace: str = "team", **changes: Any) -> Notice:
    values: dict[str, Any] = {"uid": name, "generation": 1, "labels": {}} | changes
    return Notice(key=Key(kind, namespace, name), **values)
