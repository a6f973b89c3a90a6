"""A board in memory, a sandbox that does as it is told, and a loop between them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from scriptorium_api.cron_script import CronScript
from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.script import Script
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import Source, Start, Values
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.errors import Superseded, Vanished
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.ports import Board
from tests.support.makers import make_execution, make_script

ME = Holder(pod="me", uid="uid-me", start_id="1")


@dataclass
class MemoryBoard:
    """Runs and Scripts in memory; `faults` are raised by the next writes, one each."""

    scripts: dict[str, Script] = field(default_factory=lambda: {"hello": make_script()})
    cron_scripts: dict[str, CronScript] = field(default_factory=dict)
    runs: dict[str, ScriptExecution] = field(default_factory=dict)
    values: Values = field(default_factory=Values)
    faults: list[Exception] = field(default_factory=list)
    writes: list[tuple[str, Phase, Reason]] = field(default_factory=list)

    def find_script(self, namespace: str, name: str) -> Script | None:
        return self.scripts.get(name)

    def find_cron_script(self, namespace: str, name: str) -> CronScript | None:
        return self.cron_scripts.get(name)

    async def read_source(self, script: Script) -> Source:
        return Source(script.spec.source)

    def read_values(self, script: Script) -> Values:
        return self.values

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        if execution.metadata.uid not in self.runs:
            raise Vanished("gone")
        return self.runs[execution.metadata.uid]

    async def list_with_key(self, namespace: str, key: str) -> list[ScriptExecution]:
        return [run for run in self.runs.values() if run.spec.idempotency_key == key]

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault
        current = await self.read(execution)
        if current.metadata.resource_version != execution.metadata.resource_version:
            raise Superseded("changed")
        self.writes.append((execution.metadata.uid, status.phase, status.reason))
        return self.change(current.model_copy(update={"status": status}))

    def change(self, execution: ScriptExecution) -> ScriptExecution:
        version = str(int(execution.metadata.resource_version) + 1)
        metadata = execution.metadata.model_copy(update={"resource_version": version})
        changed = execution.model_copy(update={"metadata": metadata})
        self.runs[execution.metadata.uid] = changed
        return changed


@dataclass
class ObedientSandbox:
    """Runs end when the test says so, or at once."""

    hold: asyncio.Event | None = None
    started: list[str] = field(default_factory=list)
    most_at_once: int = 0
    now: int = 0
    error: Exception | None = None
    is_waiting_for_a_worker: bool = False
    reason: Reason = Reason.COMPLETED
    given: list[dict[str, str]] = field(default_factory=list)

    async def run(
        self, start: Start, context: Mapping[str, Any], stop: asyncio.Event, board: Board
    ) -> Outcome:
        if self.error:
            raise self.error
        self.started.append(context["execution"]["id"])
        self.given.append(dict(start.env))
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        try:
            return await self._end(stop)
        finally:
            self.now -= 1

    async def _end(self, stop: asyncio.Event) -> Outcome:
        if self.hold is None:
            await asyncio.sleep(0)
            return Outcome(reason=self.reason, started_at=datetime.now(UTC), duration_ms=1)
        waits = [asyncio.create_task(event.wait()) for event in (self.hold, stop)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        reason = Reason.CANCELLED if stop.is_set() else self.reason
        if self.is_waiting_for_a_worker:
            return Outcome(reason=reason)
        return Outcome(reason=reason, started_at=datetime.now(UTC), duration_ms=1)


@asynccontextmanager
async def running(board: MemoryBoard, sandbox: ObedientSandbox, slots: int = 4) -> AsyncIterator[Dispatcher]:
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=slots)
    loop = Dispatcher(board, sandbox, place)
    task = asyncio.create_task(loop.run())
    yield loop
    await loop.drain(0)
    await task


def add(board: MemoryBoard, uid: str = "run-1", **spec: Any) -> ScriptExecution:
    board.runs[uid] = make_execution(uid, created=datetime.now(UTC), **spec)
    return board.runs[uid]


def phase_of(board: MemoryBoard, uid: str) -> Callable[[], bool]:
    return lambda: board.runs[uid].status.phase.is_terminal
