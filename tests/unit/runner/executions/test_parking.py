"""Runs that wait for a Script, its source or its values."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scriptorium_api.execution import ExecutionStatus
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Script
from scriptorium_runner.executions import dispatcher, handling
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import Source, Values
from scriptorium_runner.executions.errors import Unreachable
from scriptorium_runner.executions.handling import Handling, LookAgain, Signals, Visit
from tests.support.makers import make_script
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import ME, MemoryBoard, ObedientSandbox, add, phase_of, running


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


MISSING = Values(problem="no value yet for env.KEY")


async def test_a_run_starts_when_its_values_are_there_though_nobody_tells(monkeypatch: Any) -> None:
    monkeypatch.setattr(handling, "GRACE_SECONDS", 0)
    monkeypatch.setattr(handling, "VALUES_SECONDS", 0.01)
    board, sandbox = MemoryBoard(values=MISSING), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.SECRETS_PENDING)
        loop.offer(board.runs["run-1"])
        board.values = Values({"KEY": "1"})
        await until_async(phase_of(board, "run-1"))
    assert sandbox.given == [{"KEY": "1"}]
    assert [reason for _, _, reason in board.writes] == [
        Reason.SECRETS_PENDING,
        Reason.RUNNING,
        Reason.COMPLETED,
    ]


async def test_a_run_that_never_gets_its_values_fails_for_them(monkeypatch: Any) -> None:
    monkeypatch.setattr(handling, "GRACE_SECONDS", 0)
    monkeypatch.setattr(handling, "VALUES_SECONDS", 0.1)
    board, sandbox = MemoryBoard(values=MISSING), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board, startDeadlineSeconds=1))
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.SECRETS_PENDING)
        loop.offer(board.runs["run-1"])
        await until_async(phase_of(board, "run-1"))
    assert board.runs["run-1"].status.reason is Reason.SECRETS_PENDING
    assert sandbox.started == []


async def test_each_attempt_has_the_values_of_its_own_start(monkeypatch: Any) -> None:
    board, sandbox = MemoryBoard(values=Values({"KEY": "1"})), ObedientSandbox(reason=Reason.SCRIPT_ERROR)
    async with running(board, sandbox) as loop:
        loop.offer(add(board, retry={"limit": 1, "backoffSeconds": 1}))
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.RETRYING)
        board.values = Values({"KEY": "2"})
        loop.offer(board.runs["run-1"])
        await until_async(phase_of(board, "run-1"))
    assert sandbox.given == [{"KEY": "1"}, {"KEY": "2"}]


@pytest.mark.parametrize(("is_first", "writes"), [(True, 1), (False, 0)])
async def test_of_runners_that_lack_different_values_only_the_first_corrects_what_is_told(
    monkeypatch: Any, *, is_first: bool, writes: int
) -> None:
    monkeypatch.setattr(handling, "GRACE_SECONDS", 0)
    board = MemoryBoard(values=MISSING)
    told = ExecutionStatus(reason=Reason.SECRETS_PENDING, message="no value yet for env.OTHER")
    execution = add(board).model_copy(update={"status": told})
    board.runs["run-1"] = execution
    place = handling.Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=1)
    runner = Handling(board, ObedientSandbox(), place, lambda _execution, _status: None)
    visit = Visit(execution, datetime.now(UTC), Signals(), is_first=is_first)
    assert await runner.handle(visit) == LookAgain(handling.VALUES_SECONDS)
    assert len(board.writes) == writes
