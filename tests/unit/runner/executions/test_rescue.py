"""Runs of lost runners, with the others' leases as the test has them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions import rescue
from scriptorium_runner.executions.errors import Unreachable
from scriptorium_runner.executions.lives import Sign
from scriptorium_runner.executions.rescue import Rescuer
from tests.support.makers import make_execution
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import ME, MemoryBoard

OTHER = Holder(pod="other", uid="uid-other", start_id="a")


@dataclass
class Leases:
    """What the leases show, and how often they were asked."""

    #: By default another start of the holder's container speaks: its claims are lost.
    signs: dict[str, Sign] = field(default_factory=lambda: {OTHER.uid: Sign("another", "1")})
    place: int = 0
    looks: int = 0
    is_away: bool = False
    running: set[str] = field(default_factory=set)

    async def look(self) -> Mapping[str, Sign]:
        self.looks += 1
        if self.is_away:
            raise Unreachable("away")
        return self.signs

    def rank(self, _uid: str) -> int:
        return self.place

    def is_running(self, uid: str) -> bool:
        return uid in self.running


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "LOOK_SECONDS", 0)


@asynccontextmanager
async def rescuing(board: MemoryBoard, leases: Leases) -> AsyncIterator[Rescuer]:
    rescuer = Rescuer(board, ME, leases)
    task = asyncio.create_task(rescuer.run())
    yield rescuer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def held(board: MemoryBoard, holder: Holder = OTHER, **spec: Any) -> ScriptExecution:
    status = ExecutionStatus(phase=Phase.RUNNING, reason=Reason.RUNNING, attempt=1, runner=holder)
    board.runs["run-1"] = make_execution(status=status, **spec)
    return board.runs["run-1"]


async def end_of(board: MemoryBoard, leases: Leases, **spec: Any) -> ExecutionStatus:
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board, **spec))
        await until_async(lambda: board.writes)
    return board.runs["run-1"].status


async def test_a_run_of_a_lost_runner_ends_with_that_reason() -> None:
    status = await end_of(MemoryBoard(), Leases())
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.RUNNER_LOST)
    assert "pod other, is gone" in (status.message or "")
    assert [each.reason for each in status.attempts] == [Reason.RUNNER_LOST]


async def test_with_retry_it_is_tried_again() -> None:
    status = await end_of(MemoryBoard(), Leases(), retry={"limit": 1})
    assert (status.phase, status.reason, status.runner) == (Phase.PENDING, Reason.RETRYING, None)
    assert status.next_attempt_time is not None


async def test_a_run_that_was_to_be_cancelled_ends_cancelled() -> None:
    status = await end_of(MemoryBoard(), Leases(), retry={"limit": 1}, cancel=True)
    assert (status.phase, status.reason) == (Phase.CANCELLED, Reason.CANCELLED)


async def test_claims_of_a_former_start_of_this_runner_are_settled() -> None:
    board, leases = MemoryBoard(), Leases({ME.uid: Sign(ME.start_id, "1")})
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board, ME.model_copy(update={"start_id": "former"})))
        await until_async(lambda: board.writes)
    assert board.runs["run-1"].status.reason is Reason.RUNNER_LOST


async def test_a_run_of_a_runner_that_lives_is_left_alone() -> None:
    board, leases = MemoryBoard(), Leases({OTHER.uid: Sign("a", "1")})
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board))
        await until_async(lambda: leases.looks > 5)
    assert board.writes == []


async def test_while_nobody_else_holds_a_run_nobody_looks() -> None:
    board, leases = MemoryBoard(), Leases(running={"run-1"})
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board, ME))
        for _ in range(20):
            await asyncio.sleep(0)
        assert leases.looks == 0


async def test_an_own_claim_that_nobody_runs_is_settled_without_a_look_at_the_others() -> None:
    board, leases = MemoryBoard(), Leases()
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board, ME))
        await until_async(lambda: board.writes)
    assert board.runs["run-1"].status.reason is Reason.RUNNER_LOST
    assert "does not run it any more" in (board.runs["run-1"].status.message or "")
    assert leases.looks == 0


async def test_an_own_run_whose_end_is_on_the_way_is_left_alone() -> None:
    board, leases = MemoryBoard(), Leases(running={"run-1"})
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board, ME))
        leases.running.clear()
        await asyncio.sleep(0)
        rescuer.forget("run-1")
        for _ in range(20):
            await asyncio.sleep(0)
    assert board.writes == []


async def test_who_comes_later_in_the_order_leaves_looks_to_those_before_it() -> None:
    board, leases = MemoryBoard(), Leases(place=3)
    await end_of(board, leases)
    assert leases.looks >= 4


async def test_a_run_that_its_runner_settled_meanwhile_stays_as_it_is() -> None:
    board, leases = MemoryBoard(), Leases()
    seen = held(board)
    done = seen.status.model_copy(update={"phase": Phase.SUCCEEDED, "reason": Reason.COMPLETED})
    settled = board.change(seen.model_copy(update={"status": done}))
    async with rescuing(board, leases) as rescuer:
        rescuer.note(seen)
        await until_async(lambda: leases.looks > 0)
        for _ in range(20):
            await asyncio.sleep(0)
    assert board.runs["run-1"] == settled
    assert board.writes == []


async def test_nobody_is_taken_for_lost_while_the_leases_cannot_be_read() -> None:
    board, leases = MemoryBoard(), Leases(is_away=True)
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board))
        await until_async(lambda: leases.looks > 5)
        assert board.writes == []
        leases.is_away = False
        await until_async(lambda: board.writes)


async def test_a_newer_claim_of_a_living_runner_is_not_forgotten_with_the_old_one() -> None:
    newer = Holder(pod="third", uid="uid-third", start_id="c")

    class Quicker(MemoryBoard):
        """Another runner takes the run up first, and a third one claims it."""

        async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
            if execution.status.runner == OTHER and self.runs["run-1"].status.runner == OTHER:
                claimed = execution.status.model_copy(update={"attempt": 2, "runner": newer})
                rescuer.note(self.change(execution.model_copy(update={"status": claimed})))
            return await super().write_status(execution, status)

    board, leases = Quicker(), Leases()
    async with rescuing(board, leases) as rescuer:
        rescuer.note(held(board))
        await until_async(lambda: board.runs["run-1"].status.runner == newer)
        leases.signs = {newer.uid: Sign("another start", "1")}
        await until_async(lambda: board.writes)
    assert board.runs["run-1"].status.reason is Reason.RUNNER_LOST
    assert "pod third" in (board.runs["run-1"].status.message or "")


async def test_only_a_run_without_retry_is_told_of_it() -> None:
    without = await end_of(MemoryBoard(), Leases())
    used_up = await end_of(MemoryBoard(), Leases(), retry={"limit": 1})
    assert "spec.retry" in (without.message or "")
    assert "spec.retry" not in (used_up.message or "")
