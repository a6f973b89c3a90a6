"""The loop: holds the runs that wait, starts them when it is their turn and a worker is free."""

import asyncio
import contextlib
import heapq
import logging
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.script import Script
from scriptorium_runner.executions import attempt, context, decide, turn
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.errors import BoardError, NoWorker
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.ports import Board, Sandbox
from scriptorium_runner.executions.queue import Queue, Ticket

log = logging.getLogger(__name__)

#: A Script and its run are often created by one command and seen in either order: no word of a missing
#: Script before this many seconds.
GRACE_SECONDS = 2.0

#: How long the drain waits for the statuses of what it cut off.
SETTLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who this runner is and how much it takes."""

    holder: Holder
    tenant: Tenant
    slots: int


@dataclass(slots=True)
class _Waiting:
    execution: ScriptExecution
    seen: datetime
    seen_at: float


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the dispatcher is at this moment."""

    waiting: int
    running: int


class Dispatcher:
    """Takes runs for one runner: at most `place.slots` at once, each exactly once while it lives."""

    def __init__(
        self,
        board: Board,
        sandbox: Sandbox,
        place: Place,
        on_end: Callable[[ScriptExecution, ExecutionStatus], None] = lambda _execution, _status: None,
    ) -> None:
        self._board, self._sandbox, self._place, self._on_end = board, sandbox, place, on_end
        self._waiting: dict[str, _Waiting] = {}
        self._running: dict[str, _Running] = {}
        self._queue = Queue(random.randrange)
        self._parked: dict[str, tuple[str, str]] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._runners: Collection[str] = frozenset()
        self._wake = asyncio.Event()
        self._is_stopping = False

    @property
    def load(self) -> Load:
        """Say how busy this runner is."""
        return Load(len(self._waiting), len(self._running))

    def offer(self, execution: ScriptExecution) -> None:
        """Tell of a run that is new or changed; what is not waiting and not ours is let go."""
        uid = execution.metadata.uid
        if running := self._running.get(uid):
            if execution.spec.cancel:
                running.stop.set()
            if execution.status.phase is not Phase.PENDING:
                return
        if execution.status.phase is not Phase.PENDING or execution.metadata.deletion_timestamp is not None:
            self._drop(uid)
            return
        known = self._waiting.get(uid)
        seen, seen_at = (known.seen, known.seen_at) if known else (_utc_now(), _clock())
        self._waiting[uid] = _Waiting(execution, seen, seen_at)
        if known is None:
            heapq.heappush(self._deadlines, (self._deadline(execution), uid))
        if uid not in self._running:
            self._enqueue(uid, seen_at)

    def forget_ended(self, uid: str) -> None:
        """Tell that a run has ended, here or elsewhere; nothing here has to wait for it."""
        self._drop(uid)

    def forget(self, uid: str) -> None:
        """Tell that a run was deleted; if it is running here it is stopped."""
        self._drop(uid)
        if running := self._running.get(uid):
            running.stop.set()

    def set_runners(self, uids: Collection[str]) -> None:
        """Tell which runners of the pool are ready; whose turn it is follows from that."""
        if set(uids) == set(self._runners):
            return
        self._runners = frozenset(uids)
        for uid, waiting in self._waiting.items():
            if uid not in self._running:
                self._enqueue(uid, waiting.seen_at)

    def reconsider(self, namespace: str, script: str) -> None:
        """Tell that a Script or its source changed: runs that wait for it are looked at again."""
        for uid in [uid for uid, place in self._parked.items() if place == (namespace, script)]:
            if uid in self._waiting and uid not in self._running:
                self._enqueue(uid, _clock())

    async def run(self) -> None:
        """Start what is due, until stopped."""
        while not self._is_stopping:
            self._wake.clear()
            self._start_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    async def drain(self, seconds: float) -> None:
        """Stop taking runs, let those in progress finish within the time, settle the rest as cut off."""
        self._is_stopping = True
        self._wake.set()
        await self._await_running(seconds)
        for running in self._running.values():
            running.stop.set()
        await self._await_running(SETTLE_SECONDS)
        for running in self._running.values():
            running.task.cancel()
        await self._await_running(1)

    async def _await_running(self, seconds: float) -> None:
        if tasks := [running.task for running in self._running.values()]:
            await asyncio.wait(tasks, timeout=seconds)

    def _start_due(self) -> None:
        now = _clock()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, uid = heapq.heappop(self._deadlines)
            if uid in self._waiting and uid not in self._running:
                self._queue.remove(uid)
                self._spawn(uid)
        while len(self._running) < self._place.slots and (due := self._queue.pop(now)):
            self._spawn(due)

    def _pause(self) -> float | None:
        moments = [self._deadlines[0][0]] if self._deadlines else []
        if len(self._running) < self._place.slots and (due := self._queue.next_due()) is not None:
            moments.append(due)
        return max(0.0, min(moments) - _clock()) if moments else None

    def _spawn(self, uid: str) -> None:
        waiting = self._waiting[uid]
        task = asyncio.create_task(self._handle(waiting), name=f"run {uid}")
        self._running[uid] = _Running(task)
        task.add_done_callback(lambda _task: self._release(waiting))

    def _release(self, handled: _Waiting) -> None:
        uid = handled.execution.metadata.uid
        del self._running[uid]
        newer = self._waiting.get(uid)
        # A version that came in meanwhile is looked at once more; what is parked waits for its Script.
        if newer is not None and newer is not handled:
            self._enqueue(uid, _clock())
        self._wake.set()

    def _drop(self, uid: str) -> None:
        self._waiting.pop(uid, None)
        self._parked.pop(uid, None)
        self._queue.remove(uid)

    def _enqueue(self, uid: str, earliest: float) -> None:
        rank = turn.rank(uid, self._place.holder.uid, self._runners)
        due = earliest + rank * turn.STEP_SECONDS
        self._queue.put(Ticket(due, earliest, uid, is_own=rank == 0))
        self._wake.set()

    def _deadline(self, execution: ScriptExecution) -> float:
        rank = turn.rank(execution.metadata.uid, self._place.holder.uid, self._runners)
        left = (decide.deadline(execution) - _utc_now()).total_seconds()
        # A little late is right, a little early would find the deadline not passed yet.
        return _clock() + left + 0.05 + rank * turn.STEP_SECONDS

    async def _handle(self, waiting: _Waiting) -> None:
        uid = waiting.execution.metadata.uid
        try:
            await self._decide(waiting)
        except BoardError as error:
            log.warning("run not handled, left as it is", extra={"uid": uid, "error": str(error)})
        except Exception:
            # The one place where a bug of ours must not take the loop, and every other run, with it.
            log.exception("cannot handle a run", extra={"uid": uid})

    async def _decide(self, waiting: _Waiting) -> None:
        execution = waiting.execution
        script = self._find_script(execution)
        source = await self._find_source(execution, script)
        decision = decide.decide_start(execution, script, source, _utc_now())
        match decision:
            case decide.Wait():
                await self._park(waiting, decision)
            case decide.End():
                self._forget_version(waiting)
                await self._end_unstarted(execution, decision)
            case decide.Start():
                self._forget_version(waiting)
                await self._run_claimed(waiting, decision, script)

    def _find_script(self, execution: ScriptExecution) -> Script | None:
        reference = execution.spec.script_ref
        return self._board.find_script(execution.metadata.namespace, reference.name) if reference else None

    async def _find_source(self, execution: ScriptExecution, script: Script | None) -> decide.Source:
        if script is not None:
            return await self._board.read_source(script)
        return decide.Source(execution.spec.source)

    async def _park(self, waiting: _Waiting, wait: decide.Wait) -> None:
        execution, uid = waiting.execution, waiting.execution.metadata.uid
        reference = execution.spec.script_ref
        if reference is None:
            raise ValueError("only a run of a Script waits for one")
        self._parked[uid] = (execution.metadata.namespace, reference.name)
        if _clock() - waiting.seen_at < GRACE_SECONDS:
            self._enqueue(uid, waiting.seen_at + GRACE_SECONDS)
        elif (execution.status.reason, execution.status.message) != (wait.reason, wait.message):
            await self._board.write_status(execution, statuses.build_waiting(execution, wait))

    async def _end_unstarted(self, execution: ScriptExecution, end: decide.End) -> None:
        status = statuses.build_unstarted_end(execution, end, _utc_now())
        if await attempt.settle(self._board, execution, lambda _current: status):
            self._on_end(execution, status)

    async def _run_claimed(self, waiting: _Waiting, start: decide.Start, script: Script | None) -> None:
        if self._is_stopping:
            return
        execution = waiting.execution
        status = statuses.build_claimed(execution, start, script, self._place.holder, _utc_now())
        claimed = await attempt.claim(self._board, execution, status)
        if claimed is None:
            return
        running = self._running[execution.metadata.uid]
        if self._is_stopping and not running.stop.is_set():
            await attempt.settle(self._board, claimed, statuses.build_returned)
            return
        if claimed.spec.cancel:
            running.stop.set()
        values = context.build_context(claimed, script, status.script_version, self._place.tenant)
        outcome = await self._try(start, values, running.stop)
        if outcome is None:
            log.warning("no worker for a run, handing it back", extra={"uid": execution.metadata.uid})
            await attempt.settle(self._board, claimed, statuses.build_returned)
            return
        await self._settle(claimed, self._explain_stop(outcome), waiting.seen)

    async def _try(self, start: decide.Start, values: dict[str, Any], stop: asyncio.Event) -> Outcome | None:
        """Run the script; None if there was no room for it."""
        try:
            return await self._sandbox.run(start, values, stop)
        except NoWorker:
            return None
        except Exception:
            # A claimed run has to end, with a reason, also when the bug is ours.
            log.exception("the sandbox failed", extra={"script": start.owner})
            return Outcome(reason=Reason.ENGINE_CRASH, message="the runner failed; its log has the cause")

    def _explain_stop(self, outcome: Outcome) -> Outcome:
        if outcome.reason is not Reason.CANCELLED or not self._is_stopping:
            return outcome
        message = "the runner had to stop before the script ended"
        return Outcome(
            reason=Reason.RUNNER_SHUTDOWN,
            message=message,
            logs=outcome.logs,
            logs_truncated=outcome.logs_truncated,
            usage=outcome.usage,
            started_at=outcome.started_at,
            duration_ms=outcome.duration_ms,
        )

    async def _settle(self, claimed: ScriptExecution, outcome: Outcome, seen: datetime) -> None:
        last: list[ExecutionStatus] = []

        def build(current: ScriptExecution) -> ExecutionStatus:
            last[:] = [statuses.build_settled(current, outcome, statuses.Times(seen, _utc_now()))]
            return last[0]

        if await attempt.settle(self._board, claimed, build):
            self._on_end(claimed, last[0])

    def _forget_version(self, waiting: _Waiting) -> None:
        """Stop waiting with this version; a newer one that comes in meanwhile stays."""
        uid = waiting.execution.metadata.uid
        if self._waiting.get(uid) is waiting:
            self._drop(uid)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _utc_now() -> datetime:
    return datetime.now(UTC)
