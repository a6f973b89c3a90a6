"""Runs that wait for a Script or its source."""

from typing import Any

from scriptorium_api.execution import ExecutionStatus
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Script
from scriptorium_runner.executions import dispatcher, handling
from scriptorium_runner.executions.decide import Source
from scriptorium_runner.executions.errors import Unreachable
from tests.support.makers import make_script
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import MemoryBoard, ObedientSandbox, add, phase_of, running


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
