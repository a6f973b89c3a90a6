"""The end of a runner: what it finishes, cuts off and hands back."""

import asyncio

from scriptorium_api.execution import ExecutionStatus
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions import dispatcher
from scriptorium_runner.executions.errors import NoWorker
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import MemoryBoard, ObedientSandbox, add, running


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


async def test_a_run_without_a_worker_is_left_to_other_runners_for_a_while() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(error=NoWorker("none"))
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: len(board.writes) == 2 and not loop.load.running)
        # The watch tells this runner too that the run is free again.
        loop.offer(board.runs["run-1"])
        for _ in range(20):
            await asyncio.sleep(0)
        assert loop.load == dispatcher.Load(waiting=1, running=0)
    assert len(board.writes) == 2


async def test_a_run_that_waits_for_a_worker_when_the_drain_is_over_is_handed_back() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event(), is_waiting_for_a_worker=True)
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(lambda: sandbox.started)
        await loop.drain(0)
    assert board.runs["run-1"].status == ExecutionStatus(observed_generation=1)
