"""The loop, with a board in memory and a sandbox that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.script import Script
from scriptorium_runner.executions import attempt, dispatcher, handling
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import Source, Start
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.errors import NoWorker, Refused, Superseded, Unreachable, Vanished
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.outcome import Outcome
from tests.support.makers import make_execution, make_script
from tests.support.waiting import until_async

ME = Holder(pod="me", uid="uid-me", start_id="1")


@dataclass
class MemoryBoard:
    """Runs and Scripts in memory; `faults` are raised by the next writes, one each."""

    scripts: dict[str, Script] = field(default_factory=lambda: {"hello": make_script()})
    runs: dict[str, ScriptExecution] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    writes: list[tuple[str, Phase, Reason]] = field(default_factory=list)

    def find_script(self, namespace: str, name: str) -> Script | None:
        return self.scripts.get(name)

    async def read_source(self, script: Script) -> Source:
        return Source(script.spec.source)

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        if execution.metadata.uid not in self.runs:
            raise Vanished("gone")
        return self.runs[execution.metadata.uid]

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

    async def run(self, start: Start, context: Mapping[str, Any], stop: asyncio.Event) -> Outcome:
        if self.error:
            raise self.error
        self.started.append(context["execution"]["id"])
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        try:
            return await self._end(stop)
        finally:
            self.now -= 1

    async def _end(self, stop: asyncio.Event) -> Outcome:
        if self.hold is None:
            await asyncio.sleep(0)
            return Outcome(reason=Reason.COMPLETED, started_at=datetime.now(UTC), duration_ms=1)
        waits = [asyncio.create_task(event.wait()) for event in (self.hold, stop)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        reason = Reason.CANCELLED if stop.is_set() else Reason.COMPLETED
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


async def test_a_run_takes_two_writes_claim_and_end() -> None:
    board = MemoryBoard()
    async with running(board, ObedientSandbox()) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
    assert board.writes == [
        ("run-1", Phase.RUNNING, Reason.RUNNING),
        ("run-1", Phase.SUCCEEDED, Reason.COMPLETED),
    ]
    assert board.runs["run-1"].status.runner == ME


async def test_no_more_runs_start_at_once_than_there_are_slots() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    async with running(board, sandbox, slots=3) as loop:
        for number in range(20):
            loop.offer(add(board, f"run-{number}"))
        await until_async(lambda: all(run.status.phase.is_terminal for run in board.runs.values()))
    assert sandbox.most_at_once <= 3
    assert sorted(sandbox.started) == sorted(board.runs)


async def test_what_finds_no_slot_stays_pending_without_a_write() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox, slots=1) as loop:
        for uid in ("run-1", "run-2"):
            loop.offer(add(board, uid))
        await until_async(lambda: sandbox.started)
        assert loop.load == dispatcher.Load(waiting=1, running=1)
        assert board.writes == [("run-1", Phase.RUNNING, Reason.RUNNING)]
        sandbox.hold.set()
        await until_async(phase_of(board, "run-2"))


async def test_a_run_that_another_runner_took_is_left_alone() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    execution = add(board)
    other = execution.status.model_copy(
        update={"phase": Phase.RUNNING, "runner": Holder(pod="other", uid="uid-other", start_id="9")}
    )
    board.change(execution.model_copy(update={"status": other}))
    async with running(board, sandbox) as loop:
        loop.offer(execution)
        await until_async(lambda: loop.load == dispatcher.Load(0, 0))
    assert sandbox.started == []
    assert board.writes == []


async def test_a_run_that_changed_during_the_claim_is_taken_in_its_new_version() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    stale = add(board)
    async with running(board, sandbox) as loop:
        fresh = board.change(stale)
        loop.offer(stale)
        await until_async(lambda: loop.load == dispatcher.Load(0, 0))
        loop.offer(fresh)
        await until_async(phase_of(board, "run-1"))
    assert sandbox.started == ["run-1"]


async def test_a_claim_whose_answer_was_lost_is_recognised_as_ours(monkeypatch: Any) -> None:
    monkeypatch.setattr(attempt, "FIRST_PAUSE", 0.001)
    board, sandbox = MemoryBoard(), ObedientSandbox()

    class Forgetful(MemoryBoard):
        lost = False

        async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
            written = await super().write_status(execution, status)
            if not self.lost:
                self.lost = True
                raise Unreachable("the connection broke before the answer came")
            return written

    board = Forgetful()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
    assert sandbox.started == ["run-1"]
    assert board.runs["run-1"].status.phase is Phase.SUCCEEDED


async def test_a_finished_result_is_kept_until_it_can_be_written(monkeypatch: Any) -> None:
    monkeypatch.setattr(attempt, "FIRST_PAUSE", 0.001)
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        board.faults = [Unreachable("away"), Unreachable("away"), Unreachable("away")]
        sandbox.hold.set()
        await until_async(phase_of(board, "run-1"))
    assert board.faults == []
    assert sandbox.started == ["run-1"]


async def test_a_label_changed_in_mid_run_does_not_keep_the_end_from_being_written() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        board.change(board.runs["run-1"])
        sandbox.hold.set()
        await until_async(phase_of(board, "run-1"))
    assert board.runs["run-1"].status.phase is Phase.SUCCEEDED


async def test_a_run_taken_away_in_mid_run_is_not_settled_over_its_new_holder() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        current = board.runs["run-1"]
        thief = current.status.model_copy(update={"runner": Holder(pod="x", uid="x", start_id="x")})
        taken = board.change(current.model_copy(update={"status": thief}))
        sandbox.hold.set()
        await until_async(lambda: loop.load == dispatcher.Load(0, 0))
    assert board.runs["run-1"] == taken


async def test_a_status_that_is_refused_even_twice_still_ends_the_run(monkeypatch: Any) -> None:
    monkeypatch.setattr(attempt, "FIRST_PAUSE", 0.001)
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        board.faults = [Refused("status.logs: too many"), Refused("still too many")]
        sandbox.hold.set()
        await until_async(phase_of(board, "run-1"))
    ended = board.runs["run-1"].status
    assert (ended.phase, ended.reason) == (Phase.FAILED, Reason.ENGINE_CRASH)
    assert "too many" in (ended.message or "")


async def test_cancel_stops_a_run_in_progress() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        current = board.runs["run-1"]
        spec = current.spec.model_copy(update={"cancel": True})
        loop.offer(board.change(current.model_copy(update={"spec": spec})))
        await until_async(phase_of(board, "run-1"))
    assert board.runs["run-1"].status.reason is Reason.CANCELLED


async def test_a_cancelled_run_that_waits_ends_with_one_write() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board, cancel=True))
        await until_async(phase_of(board, "run-1"))
    assert board.writes == [("run-1", Phase.CANCELLED, Reason.CANCELLED)]
    assert sandbox.started == []


async def test_a_cancelled_run_in_the_queue_ends_while_all_slots_are_busy() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox, slots=1) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        loop.offer(add(board, "run-2", cancel=True))
        await until_async(phase_of(board, "run-2"))
        assert not board.runs["run-1"].status.phase.is_terminal
        sandbox.hold.set()
        await until_async(phase_of(board, "run-1"))


async def test_a_deleted_run_is_stopped_and_forgotten() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        del board.runs["run-1"]
        loop.forget("run-1")
        await until_async(lambda: loop.load == dispatcher.Load(0, 0))


async def test_a_run_waits_for_its_script_and_starts_when_it_appears(monkeypatch: Any) -> None:
    monkeypatch.setattr(handling, "GRACE_SECONDS", 0)
    board, sandbox = MemoryBoard(scripts={}), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.SCRIPT_NOT_FOUND)
        loop.offer(board.runs["run-1"])
        board.scripts["hello"] = make_script()
        loop.reconsider("team", "hello")
        await until_async(phase_of(board, "run-1"))
    assert [reason for _, _, reason in board.writes] == [
        Reason.SCRIPT_NOT_FOUND,
        Reason.RUNNING,
        Reason.COMPLETED,
    ]


async def test_a_source_that_appears_while_its_absence_is_being_told_is_not_missed(monkeypatch: Any) -> None:
    monkeypatch.setattr(handling, "GRACE_SECONDS", 0)

    class Late(MemoryBoard):
        reads = 0

        async def read_source(self, script: Script) -> Source:
            self.reads += 1
            if self.reads > 1:
                return Source("return 1")
            loop.reconsider("team", "hello")
            return Source(None, "missing")

    board, sandbox = Late(), ObedientSandbox()
    told = ExecutionStatus(reason=Reason.SCRIPT_NOT_FOUND, message="missing")
    async with running(board, sandbox) as loop:
        execution = add(board)
        board.runs["run-1"] = execution.model_copy(update={"status": told})
        loop.offer(board.runs["run-1"])
        await until_async(phase_of(board, "run-1"))
    assert board.reads == 2


async def test_a_script_that_comes_just_after_its_run_causes_no_extra_write() -> None:
    board, sandbox = MemoryBoard(scripts={}), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: not loop.load.running)
        board.scripts["hello"] = make_script()
        loop.reconsider("team", "hello")
        await until_async(phase_of(board, "run-1"))
    assert [reason for _, _, reason in board.writes] == [Reason.RUNNING, Reason.COMPLETED]


async def test_a_run_whose_source_cannot_be_read_is_looked_at_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_SECONDS", 0)

    class Unsteady(MemoryBoard):
        tries = 0

        async def read_source(self, script: Script) -> Source:
            self.tries += 1
            if self.tries < 3:
                raise Unreachable("away")
            return Source(script.spec.source)

    board, sandbox = Unsteady(), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
    assert board.tries == 3


async def test_a_claim_that_is_refused_is_tried_again_and_nothing_is_lost(monkeypatch: Any) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_SECONDS", 0)
    board, sandbox = MemoryBoard(faults=[Refused("not now")]), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
    assert sandbox.started == ["run-1"]


async def test_a_run_whose_deadline_passes_while_all_slots_are_busy_ends_with_that_reason() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox, slots=1) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        late = make_execution("run-2", created=datetime.now(UTC) - timedelta(seconds=300))
        board.runs["run-2"] = late
        loop.offer(late)
        await until_async(phase_of(board, "run-2"))
        assert board.runs["run-2"].status.reason is Reason.START_DEADLINE_EXCEEDED
        sandbox.hold.set()
        await until_async(phase_of(board, "run-1"))


async def test_others_runs_are_left_to_them_for_a_while() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.set_runners(["uid-other"])
        loop.offer(add(board))
        await asyncio.sleep(0)
        assert loop.load == dispatcher.Load(waiting=1, running=0)
        loop.set_runners([])
        await until_async(phase_of(board, "run-1"))


async def test_shutdown_settles_what_it_cuts_off_and_leaves_what_waits_to_others() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox, slots=1) as loop:
        for uid in ("run-1", "run-2"):
            loop.offer(add(board, uid))
        await until_async(lambda: sandbox.started)
        await loop.drain(0.01)
    assert board.runs["run-1"].status.reason is Reason.RUNNER_SHUTDOWN
    assert board.runs["run-2"].status.phase is Phase.PENDING


async def test_a_cancel_during_the_drain_is_a_cancel() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        drain = asyncio.create_task(loop.drain(10))
        current = board.runs["run-1"]
        spec = current.spec.model_copy(update={"cancel": True})
        loop.offer(board.change(current.model_copy(update={"spec": spec})))
        await drain
    assert board.runs["run-1"].status.reason is Reason.CANCELLED


async def test_a_run_that_finishes_during_the_drain_keeps_its_result() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        drain = asyncio.create_task(loop.drain(10))
        await asyncio.sleep(0)
        sandbox.hold.set()
        await drain
    assert board.runs["run-1"].status.reason is Reason.COMPLETED


async def test_a_claimed_run_without_a_worker_is_handed_back() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(error=NoWorker("none"))
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: len(board.writes) == 2)
    assert board.runs["run-1"].status == ExecutionStatus(observed_generation=1)


async def test_a_bug_of_ours_ends_the_run_with_a_reason_and_leaves_the_loop_alive() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(error=RuntimeError("bug"))
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
        assert board.runs["run-1"].status.reason is Reason.ENGINE_CRASH
        sandbox.error = None
        loop.offer(add(board, "run-2"))
        await until_async(phase_of(board, "run-2"))
