"""A calendar in memory, which lets others have their turn at each of its answers, and CronScripts to fire."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions.errors import Refused, Superseded, Vanished
from scriptorium_runner.schedules.ports import Made
from tests.support.makers import NOW
from tests.support.manifests import cron

#: All slots up to eleven are judged; NOW is noon, a slot of the schedules here.
ELEVEN = NOW - timedelta(hours=1)


def make_cron_script(name: str = "nightly", begin: datetime = ELEVEN, **spec: Any) -> CronScript:
    """Give a CronScript of each full hour as the API server would, with its slots judged up to a moment."""
    manifest = cron(
        name, **{"schedule": "@hourly", "scriptRef": {"name": "hello"}, "executor": "Pool"} | spec
    )
    manifest["metadata"] |= {
        "namespace": "team",
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": ELEVEN.isoformat(),
    }
    manifest["status"] = {"accountedUntil": begin.isoformat()}
    return CronScript.from_wire(manifest)


@dataclass
class MemoryCalendar:
    """CronScripts and runs in memory.

    `meanwhile` is done once before the first call of that name is answered; `calls` has them all.
    """

    cron_scripts: dict[str, CronScript] = field(default_factory=dict)
    runs: dict[str, ScriptExecution] = field(default_factory=dict)
    old_runs: dict[str, ScriptExecution] | None = None
    """What is at hand for those who ask for any state of the runs; None is that of now."""
    now: Callable[[], datetime] = lambda: NOW
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    tell: Callable[[CronScript], None] = lambda _: None
    tell_run: Callable[[ScriptExecution], None] = lambda _: None
    most_at_once: int = 0
    _at_once: int = 0

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        await self._enter("read_cron_script")
        current = self.cron_scripts.get(cron_script.metadata.name)
        if current is None or current.metadata.uid != cron_script.metadata.uid:
            raise Vanished(f"CronScript {cron_script.metadata.name} was deleted")
        return current

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        await self._enter("list_runs")
        name = cron_script.metadata.name
        return [
            run for run in self.runs.values() if run.spec.fired_by and run.spec.fired_by.cron_script == name
        ]

    async def list_known_runs(self, cron_script: CronScript, version: str) -> list[ScriptExecution]:
        await self._enter("list_known_runs")
        name = cron_script.metadata.name
        runs = self.old_runs if version == "0" and self.old_runs is not None else self.runs
        return [run for run in runs.values() if run.spec.fired_by and run.spec.fired_by.cron_script == name]

    async def make_run(self, manifest: dict[str, Any]) -> Made:
        await self._enter("make_run")
        name = manifest["metadata"]["name"]
        if name in self.runs:
            owners = {each.uid for each in self.runs[name].metadata.owner_references}
            if manifest["metadata"]["ownerReferences"][0]["uid"] not in owners:
                raise Refused(f"ScriptExecution {name} is another's")
            return Made(self.runs[name], is_new=False)
        self.made.append(name)
        return Made(self.add_run(manifest), is_new=True)

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        await self._enter("read")
        current = self.runs.get(execution.metadata.name)
        if current is None or current.metadata.uid != execution.metadata.uid:
            raise Vanished("gone")
        return current

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        await self._enter("write_status")
        current = self.runs.get(execution.metadata.name)
        if current is None:
            raise Vanished("gone")
        if current.metadata.resource_version != execution.metadata.resource_version:
            raise Superseded("changed")
        return self.change_run(execution.metadata.name, **status.model_dump())

    async def record(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        await self._enter("record")
        current = self.cron_scripts.get(cron_script.metadata.name)
        if current is None:
            raise Vanished("gone")
        if current.metadata.resource_version != cron_script.metadata.resource_version:
            raise Superseded("changed")
        self.put(current.model_copy(update={"status": status}))

    async def _enter(self, call: str) -> None:
        self.calls.append(call)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        if act := self.meanwhile.pop(call, None):
            act()
        if self.faults.get(call):
            raise self.faults[call].pop(0)

    def put(self, cron_script: CronScript) -> CronScript:
        """Store a CronScript as a new version, and tell of it as a watch would."""
        version = str(int(cron_script.metadata.resource_version) + 1)
        metadata = cron_script.metadata.model_copy(update={"resource_version": version})
        stored = cron_script.model_copy(update={"metadata": metadata})
        self.cron_scripts[metadata.name] = stored
        self.tell(stored)
        return stored

    def edit(self, name: str, **spec: Any) -> CronScript:
        """Change the spec as a user would, in the words of Python."""
        current = self.cron_scripts[name]
        changed = type(current.spec).model_validate(current.spec.model_dump() | spec)
        return self.put(current.model_copy(update={"spec": changed}))

    def touch(self, name: str) -> CronScript:
        """Have somebody write something that says nothing of slots."""
        current = self.cron_scripts[name]
        status = current.status.model_copy(update={"active": current.status.active + 1})
        return self.put(current.model_copy(update={"status": status}))

    def add_run(self, manifest: dict[str, Any], phase: Phase = Phase.PENDING) -> ScriptExecution:
        """Store a run as the API server would."""
        name = manifest["metadata"]["name"]
        times = {"creationTimestamp": self.now().isoformat(), "resourceVersion": "1", "uid": f"uid-{name}"}
        run = ScriptExecution.from_wire(manifest | {"metadata": manifest["metadata"] | times})
        self.runs[name] = run
        self.tell_run(run)
        return self.change_run(name, phase=phase) if phase is not Phase.PENDING else run

    def change_run(self, name: str, **status: Any) -> ScriptExecution:
        """Write into a run's status, and tell of it as a watch would."""
        run = self.runs[name]
        version = str(int(run.metadata.resource_version) + 1)
        metadata = run.metadata.model_copy(update={"resource_version": version})
        changed = ExecutionStatus.model_validate(run.status.model_dump() | status)
        self.runs[name] = run.model_copy(update={"metadata": metadata, "status": changed})
        self.tell_run(self.runs[name])
        return self.runs[name]

    def end_run(self, name: str) -> None:
        """Have a run succeed."""
        self.change_run(name, phase=Phase.SUCCEEDED, reason=Reason.COMPLETED)

    def status_of(self, name: str = "nightly") -> CronScriptStatus:
        return self.cron_scripts[name].status

    def misses_of(self, name: str = "nightly") -> list[tuple[str, int]]:
        """Give what is recorded of slots that were not run."""
        return [(miss.reason.value, miss.count) for miss in self.status_of(name).misses]

    def slots_of(self, name: str = "nightly") -> list[datetime]:
        """Give the slots that have a run, in the order in which these were made."""
        fired = [run.spec.fired_by for run in self.runs.values()]
        return [
            each.scheduled_time for each in fired if each and each.cron_script == name and each.scheduled_time
        ]
