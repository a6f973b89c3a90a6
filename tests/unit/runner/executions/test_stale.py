"""Runs that were told that scripts are switched off, where they are switched on again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scriptorium_api.execution import Isolation
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions import decide
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.errors import Superseded, Unreachable
from scriptorium_runner.executions.handling import Place
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import ME, MemoryBoard, ObedientSandbox, add, phase_of


def add_told(board: MemoryBoard, uid: str, message: str = decide.HELD_BACK, **spec: Any) -> Any:
    """Add a run that waits and was told something."""
    run = add(board, uid, **spec)
    status = run.status.model_copy(update={"reason": Reason.QUEUED, "message": message})
    board.runs[uid] = run.model_copy(update={"status": status})
    return board.runs[uid]


@asynccontextmanager
async def busy(board: MemoryBoard, **place: Any) -> AsyncIterator[tuple[Dispatcher, ObedientSandbox]]:
    """Give a runner whose only slot is taken."""
    sandbox = ObedientSandbox(hold=asyncio.Event())
    own = Place(**({"holder": ME, "tenant": Tenant(id="t", name="team"), "slots": 1} | place))
    loop = Dispatcher(board, sandbox, own)
    task = asyncio.create_task(loop.run())
    loop.offer(add(board, "first"))
    if own.is_enabled:
        await until_async(lambda: sandbox.started)
    yield loop, sandbox
    await loop.drain(0)
    await task


def find_message(board: MemoryBoard, uid: str) -> str | None:
    return board.runs[uid].status.message


def count_writes(board: MemoryBoard, uid: str) -> int:
    return [written for written, _, _ in board.writes].count(uid)


async def let_all_settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_run_that_waits_for_its_turn_is_told_nothing_any_more_by_one_write() -> None:
    board = MemoryBoard()
    async with busy(board) as (loop, sandbox):
        loop.offer(add_told(board, "second"))
        await until_async(lambda: find_message(board, "second") is None)
        loop.offer(board.runs["second"])
        await let_all_settle()
        status = board.runs["second"].status
        assert (status.phase, status.reason) == (Phase.PENDING, Reason.QUEUED)
        assert count_writes(board, "second") == 1
        sandbox.hold.set()
        await until_async(phase_of(board, "second"))


async def test_a_run_that_waits_for_a_pod_of_its_own_is_told_nothing_any_more() -> None:
    board = MemoryBoard()
    async with busy(board, slots=2, takes=frozenset({Isolation.POOL})) as (loop, _):
        loop.offer(add_told(board, "second", isolation="Pod"))
        await until_async(lambda: find_message(board, "second") is None)
        assert board.runs["second"].status.phase is Phase.PENDING


@pytest.mark.parametrize("fault", [Unreachable("away"), Superseded("changed")])
async def test_what_could_not_be_written_is_written_with_the_next_that_happens(fault: Exception) -> None:
    board = MemoryBoard()
    async with busy(board) as (loop, _):
        board.faults = [fault]
        loop.offer(add_told(board, "second"))
        await until_async(lambda: not board.faults)
        loop.offer(add(board, "third"))
        await until_async(lambda: find_message(board, "second") is None)


async def test_other_words_stay() -> None:
    board = MemoryBoard()
    async with busy(board) as (loop, _):
        loop.offer(add_told(board, "second", "attempt 1 of 3 failed"))
        await let_all_settle()
        assert count_writes(board, "second") == 0


async def test_a_runner_that_is_not_the_first_for_a_run_leaves_the_words_to_who_is() -> None:
    board = MemoryBoard()
    async with busy(board) as (loop, _):
        loop.set_runners([ME.uid, *(f"other-{number}" for number in range(20))])
        uid = next(f"run-{number}" for number in range(100) if loop.rank(f"run-{number}"))
        loop.offer(add_told(board, uid))
        await let_all_settle()
        assert count_writes(board, uid) == 0
        loop.set_runners([ME.uid])
        await until_async(lambda: find_message(board, uid) is None)


async def test_where_scripts_are_still_switched_off_the_words_stay() -> None:
    board = MemoryBoard()
    async with busy(board, is_enabled=False) as (loop, _):
        loop.offer(add_told(board, "second"))
        await let_all_settle()
        assert find_message(board, "second") == decide.HELD_BACK
        assert count_writes(board, "second") == 0
