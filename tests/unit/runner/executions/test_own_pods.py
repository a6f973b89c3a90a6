"""Runs that have pods of their own, as the pool's runners see them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scriptorium_api.execution import ExecutionStatus, Isolation, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.handling import (
    OPERATOR_SECONDS,
    Done,
    Handling,
    LookAgain,
    Parked,
    Place,
    Signals,
    Visit,
)
from tests.support.makers import make_execution, make_script
from tests.unit.runner.executions.fakes import ME, MemoryBoard, ObedientSandbox


def make_board(age: float = 0, **spec: Any) -> tuple[MemoryBoard, ScriptExecution]:
    created = datetime.now(UTC) - timedelta(seconds=age)
    board = MemoryBoard()
    board.scripts["hello"] = make_script()
    run = make_execution(created=created, isolation="Pod", startDeadlineSeconds=60, **spec)
    board.runs[run.metadata.uid] = run
    return board, run


async def handle(board: MemoryBoard, run: ScriptExecution, *takes: Isolation) -> object:
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=1, takes=frozenset(takes))
    handling = Handling(board, ObedientSandbox(), place, lambda _execution, _status: None)
    long_ago = datetime.now(UTC) - timedelta(minutes=1)
    return await handling.handle(Visit(run, long_ago, Signals()))


async def test_the_pool_leaves_the_start_to_the_runs_own_pod() -> None:
    board, run = make_board()
    assert await handle(board, run, Isolation.POOL) == Parked(("team", "hello"))
    assert board.writes == []


async def test_the_runs_own_pod_takes_it() -> None:
    board, run = make_board()
    assert await handle(board, run, *Isolation) == Done()
    assert board.runs["run-1"].status.phase is Phase.SUCCEEDED


async def test_the_pool_cancels_it() -> None:
    board, run = make_board(cancel=True)
    assert await handle(board, run, Isolation.POOL) == Done()
    assert board.runs["run-1"].status.reason is Reason.CANCELLED


async def test_the_pool_says_what_it_waits_for() -> None:
    board, run = make_board()
    board.scripts.clear()
    await handle(board, run, Isolation.POOL)
    assert board.runs["run-1"].status.reason is Reason.SCRIPT_NOT_FOUND


async def test_a_missed_deadline_is_the_operators_to_tell_first() -> None:
    board, run = make_board(age=70)
    result = await handle(board, run, Isolation.POOL)
    assert isinstance(result, LookAgain)
    assert result.seconds == pytest.approx(OPERATOR_SECONDS - 10, abs=2)
    assert board.writes == []


async def test_where_scripts_are_switched_off_the_pool_tells_it_and_waits_for_no_operator() -> None:
    place = Place(
        holder=ME,
        tenant=Tenant(id="t", name="team"),
        slots=1,
        takes=frozenset({Isolation.POOL}),
        is_enabled=False,
    )
    for age, phase in ((0, Phase.PENDING), (61, Phase.FAILED)):
        board, run = make_board(age=age)
        handling = Handling(board, ObedientSandbox(), place, lambda _execution, _status: None)
        await handling.handle(Visit(run, datetime.now(UTC) - timedelta(minutes=1), Signals()))
        status = board.runs["run-1"].status
        assert status.phase is phase
        assert "switched off" in (status.message or "")


async def test_without_an_operator_the_pool_tells_of_it() -> None:
    board, run = make_board(age=61 + OPERATOR_SECONDS)
    assert await handle(board, run, Isolation.POOL) == Done()
    status: ExecutionStatus = board.runs["run-1"].status
    assert status.reason is Reason.START_DEADLINE_EXCEEDED
    assert "operator" in (status.message or "")
