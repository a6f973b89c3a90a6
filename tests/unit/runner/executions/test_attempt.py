"""One run in the hands of one runner: claims and ends that meet others, outages and refusals."""

import asyncio
from typing import Any

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions import attempt, dispatcher
from scriptorium_runner.executions.errors import Refused, Unreachable
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import MemoryBoard, ObedientSandbox, add, phase_of, running


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


async def test_a_claim_that_is_refused_is_tried_again_and_nothing_is_lost(monkeypatch: Any) -> None:
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_SECONDS", 0)
    board, sandbox = MemoryBoard(faults=[Refused("not now")]), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
    assert sandbox.started == ["run-1"]


async def test_a_claim_that_takes_too_long_is_taken_back_and_decided_anew(monkeypatch: Any) -> None:
    monkeypatch.setattr(attempt, "CLAIM_SECONDS", 0)
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_SECONDS", 0)

    class Deaf(MemoryBoard):
        """Takes the first claim and says that it was never reached."""

        is_deaf = True

        async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
            written = await super().write_status(execution, status)
            if self.is_deaf:
                self.is_deaf = False
                raise Unreachable("away")
            loop.offer(written)
            return written

    board, sandbox = Deaf(), ObedientSandbox()
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
    assert [phase for _, phase, _ in board.writes] == [
        Phase.RUNNING,
        Phase.PENDING,
        Phase.RUNNING,
        Phase.SUCCEEDED,
    ]
    assert sandbox.started == ["run-1"]
