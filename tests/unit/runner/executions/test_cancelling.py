"""spec.cancel in every phase, and at the moment between two: one end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions import dispatcher
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import MemoryBoard, ObedientSandbox, add, phase_of, running

RETRY = {"limit": 3, "backoffSeconds": 3600}


def cancel(board: MemoryBoard, uid: str = "run-1") -> ScriptExecution:
    """Set spec.cancel, as a user does; who is told of it is the test's to say."""
    current = board.runs[uid]
    return board.change(current.model_copy(update={"spec": current.spec.model_copy(update={"cancel": True})}))


async def test_a_run_in_progress_is_stopped_and_stays_cancelled_when_it_is_cancelled_again() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    async with running(board, sandbox) as loop:
        loop.offer(add(board, retry=RETRY))
        await until_async(lambda: sandbox.started)
        loop.offer(cancel(board))
        loop.offer(cancel(board))
        await until_async(phase_of(board, "run-1"))
        loop.forget_ended("run-1")
        await until_async(lambda: loop.load == dispatcher.Load(0, 0))
    assert board.runs["run-1"].status.reason is Reason.CANCELLED
    assert [phase for _, phase, _ in board.writes] == [Phase.RUNNING, Phase.CANCELLED]


@pytest.mark.parametrize(
    ("reason", "phase"), [(Reason.COMPLETED, Phase.SUCCEEDED), (Reason.SCRIPT_ERROR, Phase.FAILED)]
)
async def test_what_ended_before_the_cancel_was_heard_keeps_its_end_and_is_not_retried(
    reason: Reason, phase: Phase
) -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event(), reason=reason)
    async with running(board, sandbox) as loop:
        loop.offer(add(board, retry=RETRY))
        await until_async(lambda: sandbox.started)
        cancel(board)
        sandbox.hold.set()
        await until_async(phase_of(board, "run-1"))
    assert board.runs["run-1"].status.phase is phase
    assert [phase for _, phase, _ in board.writes] == [Phase.RUNNING, phase]


async def test_a_cancel_between_the_look_and_the_claim_is_heard() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    seen = add(board)
    async with running(board, sandbox) as loop:
        changed = cancel(board)
        loop.offer(seen)
        loop.offer(changed)
        await until_async(phase_of(board, "run-1"))
    assert sandbox.started == []
    assert board.writes == [("run-1", Phase.CANCELLED, Reason.CANCELLED)]


async def test_a_run_that_waits_for_its_retry_ends_cancelled_at_once() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(reason=Reason.SCRIPT_ERROR)
    async with running(board, sandbox) as loop:
        loop.offer(add(board, retry=RETRY))
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.RETRYING)
        loop.offer(board.runs["run-1"])
        loop.offer(cancel(board))
        await until_async(phase_of(board, "run-1"))
    status = board.runs["run-1"].status
    assert (status.reason, status.next_attempt_time) == (Reason.CANCELLED, None)
    assert len(sandbox.started) == 1


async def test_a_retry_starts_when_it_is_due_and_not_before() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(reason=Reason.SCRIPT_ERROR)
    async with running(board, sandbox) as loop:
        loop.offer(add(board, retry={"limit": 1, "backoffSeconds": 3600}))
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.RETRYING)
        waiting = board.runs["run-1"]
        loop.offer(waiting)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(sandbox.started) == 1
        due = waiting.status.model_copy(
            update={"next_attempt_time": datetime.now(UTC) - timedelta(seconds=1)}
        )
        loop.offer(board.change(waiting.model_copy(update={"status": due})))
        await until_async(phase_of(board, "run-1"))
    assert [each.number for each in board.runs["run-1"].status.attempts] == [1, 2]
    assert len(sandbox.started) == 2
