"""The loop: holds the runs that wait, starts them when it is their turn and a worker is free."""

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from scriptorium_api import time_limits
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.values import frozen
from scriptorium_runner.engine.pool import fairness
from scriptorium_runner.executions import decide, turn
from scriptorium_runner.executions.alarms import Alarms
from scriptorium_runner.executions.errors import BoardError
from scriptorium_runner.executions.handling import (
    Done,
    Handling,
    LookAgain,
    Parked,
    Place,
    Result,
    Signals,
    Visit,
)
from scriptorium_runner.executions.ports import Board, Sandbox
from scriptorium_runner.executions.queue import Queue, Shares, Ticket
from scriptorium_runner.executions.stale import StaleWords

log = logging.getLogger(__name__)

#: Until a run is looked at again that could not be handled, mostly since the API server did not answer.
LOOK_AGAIN_SECONDS = 2.0

#: How long the drain waits for the statuses of what it cut off.
SETTLE_SECONDS = 10.0


@frozen
class _Waiting:
    """A run that has not started, as it was seen last, and when it was seen first or its retry is due."""

    execution: ScriptExecution
    seen: datetime
    seen_at: float


@dataclass(slots=True)
class _Running:
    """A run that is being handled, and what was heard meanwhile."""

    waiting: _Waiting
    signals: Signals
    task: asyncio.Task[Result]
    is_gone: bool = False
    """There is no more reason to wait for it afterwards."""
    changed: set[tuple[str, str]] = field(default_factory=set)
    """Scripts that changed, perhaps after it was decided that the run has to wait for them."""


@frozen
class Load:
    """How busy the dispatcher is at this moment."""

    waiting: int
    running: int


class Dispatcher:
    """Takes runs for one runner: at most `place.queue_slots` at once, each exactly once while it lives."""

    def __init__(
        self,
        board: Board,
        sandbox: Sandbox,
        place: Place,
        on_end: Callable[[ScriptExecution, ExecutionStatus], None] = lambda _execution, _status: None,
    ) -> None:
        self._handling, self._place = Handling(board, sandbox, place, on_end), place
        self._waiting: dict[str, _Waiting] = {}
        self._running: dict[str, _Running] = {}
        self._queue = Queue(random.randrange)
        self._parked: dict[str, tuple[str, str]] = {}
        self._stale = StaleWords(board)
        self._alarms = Alarms(lambda uid: uid in self._waiting or uid in self._running)
        self._runners: Collection[str] = frozenset()
        self._wake = asyncio.Event()
        self._draining = asyncio.Event()

    @property
    def load(self) -> Load:
        """Say how busy this runner is."""
        return Load(len(self._waiting), len(self._running))

    def rank(self, uid: str) -> int:
        """Give this runner's place in the order for a run, 0 being first."""
        return turn.rank(uid, self._place.holder.uid, self._runners)

    def is_running(self, uid: str) -> bool:
        """Say whether a run is in this runner's hands."""
        return uid in self._running

    def offer(self, execution: ScriptExecution) -> None:
        """Tell of a run that is new or changed; what is not waiting and not ours is let go."""
        uid = execution.metadata.uid
        running = self._running.get(uid)
        if running and execution.is_cancelled:
            running.signals.cancelled.set()
            running.signals.stop.set()
        if execution.metadata.deletion_timestamp is not None:
            self._drop(uid)
            return
        if execution.status.phase is not Phase.PENDING:
            # Claimed, perhaps by this runner, which may hand it back: that is no end.
            self._leave(uid)
            return
        known = self._waiting.get(uid) or (running.waiting if running else None)
        if known is None or _next_attempt(known) != execution.status.next_attempt_time:
            known = _begin_waiting(execution)
            self._alarms.put(uid, self._deadline(execution))
            self._waiting[uid] = known
            if running is None:
                self._enqueue(uid, known.seen_at)
        self._waiting[uid] = _Waiting(execution, known.seen, known.seen_at)
        if self._place.is_enabled and self._stale.note(execution):
            self._wake.set()
        if execution.is_cancelled:
            # Its end needs no worker: it goes past the busy slots, as a missed deadline does.
            self._alarms.put(uid, _clock() + self.rank(uid) * turn.STEP_SECONDS)
            self._wake.set()

    def forget_ended(self, uid: str) -> None:
        """Tell that a run has ended, here or elsewhere; nothing here has to wait for it."""
        self._drop(uid)

    def forget(self, uid: str) -> None:
        """Tell that a run was deleted; if it is running here it is stopped."""
        self._drop(uid)
        if running := self._running.get(uid):
            running.signals.stop.set()

    def set_runners(self, uids: Collection[str]) -> None:
        """Tell which runners of the pool are ready; whose turn it is follows from that."""
        if set(uids) == set(self._runners):
            return
        self._runners = frozenset(uids)
        for uid, waiting in self._waiting.items():
            if uid not in self._running and uid not in self._parked:
                self._enqueue(uid, waiting.seen_at)

    def reconsider(self, namespace: str, script: str) -> None:
        """Tell that a Script or its source changed: runs that wait for it are looked at again."""
        for uid in [uid for uid, place in self._parked.items() if place == (namespace, script)]:
            del self._parked[uid]
            self._enqueue(uid, _clock())
        for running in self._running.values():
            running.changed.add((namespace, script))

    async def run(self) -> None:
        """Start what is due, until told to drain."""
        while not self._draining.is_set():
            self._wake.clear()
            self._start_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()

    async def drain(self, seconds: float) -> None:
        """Stop taking runs, let those in progress finish within the time, settle the rest as cut off."""
        self._draining.set()
        self._wake.set()
        await self._stale.stop()
        await self._await_running(seconds)
        for running in self._running.values():
            running.signals.stop.set()
        await self._await_running(SETTLE_SECONDS)
        for running in self._running.values():
            running.task.cancel()
        await self._await_running(1)

    async def _await_running(self, seconds: float) -> None:
        if tasks := [running.task for running in self._running.values()]:
            await asyncio.wait(tasks, timeout=seconds)

    def _start_due(self) -> None:
        now = _clock()
        for uid in self._alarms.pop_due(now):
            # A run whose time is over needs no worker to be told so.
            if uid in self._waiting and uid not in self._running:
                self._queue.remove(uid)
                self._spawn(uid)
        while len(self._running) < self._place.queue_slots and (due := self._queue.pop(now, self._shares())):
            self._spawn(due)
        self._stale.take_back(self._find_idle)

    def _find_idle(self, uid: str) -> ScriptExecution | None:
        """Give a run that waits, if this runner is the first for it and does not handle it now."""
        waiting = self._waiting.get(uid)
        is_idle = waiting is not None and uid not in self._running and self.rank(uid) == 0
        return waiting.execution if waiting and is_idle else None

    def _shares(self) -> Shares:
        held = Counter(decide.find_share(running.waiting.execution) for running in self._running.values())
        return Shares(held, fairness.find_cap(self._place.queue_slots, self._place.script_share))

    def _pause(self) -> float | None:
        has_room = len(self._running) < self._place.queue_slots
        moments = (self._alarms.next_moment(), self._queue.next_due() if has_room else None)
        known = [moment for moment in moments if moment is not None]
        return max(0.0, min(known) - _clock()) if known else None

    def _spawn(self, uid: str) -> None:
        waiting = self._waiting.pop(uid)
        self._parked.pop(uid, None)
        signals = Signals(draining=self._draining)
        task = asyncio.create_task(self._handle(waiting, signals), name=f"run {uid}")
        self._running[uid] = _Running(waiting, signals, task)
        task.add_done_callback(lambda _task: self._release(uid))

    async def _handle(self, waiting: _Waiting, signals: Signals) -> Result:
        uid = waiting.execution.metadata.uid
        try:
            visit = Visit(waiting.execution, waiting.seen, signals, is_first=self.rank(uid) == 0)
            return await self._handling.handle(visit)
        except BoardError as error:
            log.warning("run not handled, looking again", extra={"uid": uid, "error": str(error)})
        except Exception:
            # The one place where a bug of ours must not take the loop, and every other run, with it.
            log.exception("cannot handle a run, looking again", extra={"uid": uid})
        return LookAgain(LOOK_AGAIN_SECONDS)

    def _release(self, uid: str) -> None:
        """A run was handled: see what is to be done with it, or with what came in of it meanwhile."""
        running = self._running.pop(uid)
        self._wake.set()
        result = Done() if running.task.cancelled() else running.task.result()
        if uid not in self._waiting:
            if running.is_gone or isinstance(result, Done):
                return
            self._waiting[uid] = running.waiting
        match result:
            case LookAgain():
                self._enqueue(uid, max(_clock() + result.seconds, self._waiting[uid].seen_at))
            case Parked() if result.script not in running.changed:
                self._park(uid, result.script)
            case _:
                self._enqueue(uid, max(_clock(), self._waiting[uid].seen_at))

    def _park(self, uid: str, script: tuple[str, str]) -> None:
        self._parked[uid] = script
        # Its deadline may have been told while it was being handled.
        due = max(self._deadline(self._waiting[uid].execution), _clock() + 0.5)
        self._alarms.put(uid, due)

    def _leave(self, uid: str) -> None:
        self._waiting.pop(uid, None)
        self._parked.pop(uid, None)
        self._queue.remove(uid)
        self._stale.forget(uid)

    def _drop(self, uid: str) -> None:
        self._leave(uid)
        if running := self._running.get(uid):
            running.is_gone = True

    def _enqueue(self, uid: str, earliest: float) -> None:
        rank = self.rank(uid)
        due = earliest + rank * turn.STEP_SECONDS
        script = decide.find_share(self._waiting[uid].execution)
        self._queue.put(Ticket(due, earliest, uid, is_own=rank == 0, script=script))
        self._wake.set()

    def _deadline(self, execution: ScriptExecution) -> float:
        rank = self.rank(execution.metadata.uid)
        left = (time_limits.find_start_deadline(execution) - datetime.now(UTC)).total_seconds()
        # A little late is right, a little early would find the deadline not passed yet.
        return _clock() + left + 0.05 + rank * turn.STEP_SECONDS


def _begin_waiting(execution: ScriptExecution) -> _Waiting:
    now = datetime.now(UTC)
    due = max(execution.status.next_attempt_time or now, now)
    return _Waiting(execution, due, _clock() + (due - now).total_seconds())


def _next_attempt(waiting: _Waiting) -> datetime | None:
    return waiting.execution.status.next_attempt_time


def _clock() -> float:
    return asyncio.get_running_loop().time()
