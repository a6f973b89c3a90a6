"""The loop: what starts when."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions import dispatcher, duplicates, handling
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from tests.support.makers import make_execution, make_script
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import ME, MemoryBoard, ObedientSandbox, add, phase_of, running


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


async def test_no_run_is_taken_for_a_slot_that_is_kept_for_others() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=4, count_reserved=lambda: 3)
    loop = dispatcher.Dispatcher(board, sandbox, place)
    task = asyncio.create_task(loop.run())
    for uid in ("run-1", "run-2"):
        loop.offer(add(board, uid))
    await until_async(lambda: sandbox.started)
    assert loop.load == dispatcher.Load(waiting=1, running=1)
    sandbox.hold.set()
    await until_async(phase_of(board, "run-2"))
    await loop.drain(0)
    await task
    assert sandbox.most_at_once == 1


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


async def test_a_bug_of_ours_ends_the_run_with_a_reason_and_leaves_the_loop_alive() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(error=RuntimeError("bug"))
    async with running(board, sandbox) as loop:
        loop.offer(add(board))
        await until_async(phase_of(board, "run-1"))
        assert board.runs["run-1"].status.reason is Reason.ENGINE_CRASH
        sandbox.error = None
        loop.offer(add(board, "run-2"))
        await until_async(phase_of(board, "run-2"))


async def test_of_runs_with_one_key_the_first_runs_and_the_others_name_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(duplicates, "SURE_SECONDS", 0)
    board, sandbox = MemoryBoard(), ObedientSandbox()
    runs = [add(board, uid, idempotencyKey="order-1") for uid in ("run-b", "run-a")]
    async with running(board, sandbox) as loop:
        for run in runs:
            loop.offer(run)
        await until_async(lambda: all(run.status.phase.is_terminal for run in board.runs.values()))
    first = min(runs, key=lambda run: (run.metadata.creation_timestamp, run.metadata.uid)).metadata.uid
    (other,) = {"run-a", "run-b"} - {first}
    assert sandbox.started == [first]
    ended = board.runs[other].status
    assert (ended.phase, ended.reason) == (Phase.CANCELLED, Reason.DUPLICATE)
    assert ended.duplicate_of == first


async def test_a_runner_that_the_others_cannot_hear_takes_nothing_until_they_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handling, "UNHEARD_SECONDS", 0)
    board, sandbox, heard = MemoryBoard(), ObedientSandbox(), asyncio.Event()
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=1, may_claim=heard.is_set)
    loop = Dispatcher(board, sandbox, place)
    task = asyncio.create_task(loop.run())
    loop.offer(add(board))
    for _ in range(50):
        await asyncio.sleep(0)
    assert board.writes == []
    heard.set()
    await until_async(phase_of(board, "run-1"))
    await loop.drain(0)
    await task


async def test_a_script_with_many_runs_does_not_starve_another() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox(hold=asyncio.Event())
    board.scripts["quiet"] = make_script("quiet")
    async with running(board, sandbox, slots=2) as loop:
        for number in range(20):
            loop.offer(add(board, f"flood-{number:02}"))
        await until_async(lambda: len(sandbox.started) == 2)
        loop.offer(add(board, "quiet-1", scriptRef={"name": "quiet"}))
        sandbox.hold.set()
        await until_async(lambda: all(run.status.phase.is_terminal for run in board.runs.values()))
    assert "quiet-1" in sandbox.started[:5]
    assert len(sandbox.started) == 21


async def test_where_scripts_are_switched_off_runs_wait_and_are_told_why() -> None:
    board, sandbox = MemoryBoard(), ObedientSandbox()
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=4, is_enabled=False)
    loop = Dispatcher(board, sandbox, place)
    task = asyncio.create_task(loop.run())
    loop.offer(add(board))
    loop.offer(add(board, "run-2", cancel=True))
    await until_async(phase_of(board, "run-2"))
    await until_async(lambda: board.runs["run-1"].status.message is not None)
    await until_async(lambda: loop.load.running == 0)
    status = board.runs["run-1"].status
    assert (sandbox.started, status.phase, status.reason) == ([], Phase.PENDING, Reason.QUEUED)
    assert "switched off" in (status.message or "")
    assert [uid for uid, _, _ in board.writes].count("run-1") == 1
    await loop.drain(0)
    await task
