"""Runs whose runner is gone, taken up by those that are left; and own ones that nobody runs."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from scriptorium_api import ending, retry
from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_runner.executions import attempt, schedules
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.errors import BoardError
from scriptorium_runner.executions.lives import Lives, Sign
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.ports import Board

log = logging.getLogger(__name__)

#: Between two looks at the leases; there is none while no other runner holds a run.
LOOK_SECONDS = 3.0


@dataclass(slots=True)
class _Claim:
    """A claimed run, when it was noted, and in how many looks in a row nobody was found to run it."""

    execution: ScriptExecution
    noted: float
    lost: int = 0


class Others(Protocol):
    """What a runner can find out about the others of its pool."""

    async def look(self) -> Mapping[str, Sign]:
        """Give what their leases show now, by pod UID; raises Unreachable."""

    def rank(self, uid: str) -> int:
        """Give this runner's place among those that may take up this run, 0 being first."""

    def is_running(self, uid: str) -> bool:
        """Say whether this runner has the run in its hands."""


class Rescuer:
    """Settles or retries the runs that other runners, or a former start of this one, took and left."""

    def __init__(
        self,
        board: Board,
        holder: Holder,
        others: Others,
        on_end: Callable[[ScriptExecution, ExecutionStatus], None] = lambda _execution, _status: None,
    ) -> None:
        self._board, self._holder, self._others, self._on_end = board, holder, others, on_end
        self._lives = Lives()
        self._claims: dict[str, _Claim] = {}
        self._wake = asyncio.Event()

    def note(self, execution: ScriptExecution) -> None:
        """Tell of a run that some runner holds."""
        uid, holder = execution.metadata.uid, execution.status.runner
        if holder is None:
            self._claims.pop(uid, None)
            return
        known = self._claims.get(uid)
        if known is not None and known.execution.status.runner == holder:
            known.execution = execution
        else:
            self._claims[uid] = _Claim(execution, _clock())
        self._wake.set()

    def forget(self, uid: str) -> None:
        """Tell that nobody holds the run any more."""
        self._claims.pop(uid, None)

    def note_gone(self, uid: str) -> None:
        """Tell that a runner's pod was deleted."""
        self._lives.note_gone(uid)
        self._wake.set()

    async def run(self) -> None:
        """Look after what others hold, for ever."""
        while True:
            if not self._claims:
                self._wake.clear()
                await self._wake.wait()
            if not all(map(self._is_own, self._claims.values())):
                await self._look_once()
            for uid, claim in list(self._claims.items()):
                # While one was taken up, others may have changed hands.
                if self._claims.get(uid) is claim:
                    await self._judge(uid, claim)
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the looks.

    async def _judge(self, uid: str, claim: _Claim) -> None:
        claim.lost = claim.lost + 1 if self._is_lost(uid, claim) else 0
        # The others of the pool saw the same: each leaves a look to those before it. An own run is left one
        # as well, since news of its end may be on the way.
        if claim.lost > (1 if self._is_own(claim) else self._others.rank(uid)):
            await self._rescue(uid, claim)

    def _is_own(self, claim: _Claim) -> bool:
        return claim.execution.status.runner == self._holder

    async def _look_once(self) -> None:
        begun = _clock()
        try:
            self._lives.look(await self._others.look(), begun, _clock())
        except BoardError as error:
            log.warning("cannot see the other runners", extra={"error": str(error)})
            self._lives.look_failed()

    def _is_lost(self, uid: str, claim: _Claim) -> bool:
        if self._is_own(claim):
            # Stored although the answer was lost, or dropped by a bug of ours: nobody else would ever see.
            return not self._others.is_running(uid)
        holder = claim.execution.status.runner
        return holder is not None and self._lives.is_lost(holder, claim.noted)

    async def _rescue(self, uid: str, claim: _Claim) -> None:
        execution, holder = claim.execution, claim.execution.status.runner
        log.warning(
            "taking up the run of a lost runner",
            extra={"uid": uid, "runner": holder.pod if holder else None, "attempt": execution.status.attempt},
        )
        build = build_dropped if self._is_own(claim) else build_lost
        written = await attempt.settle(
            self._board, execution, lambda current: build(schedules.take_over(self._board, current))
        )
        if self._claims.get(uid) is claim:
            self.forget(uid)
        if written:
            self._on_end(execution, written)


def build_lost(execution: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run whose runner is gone."""
    return _build(execution, "is gone")


def build_dropped(execution: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run whose runner lives and does not run it."""
    return _build(execution, "does not run it any more")


def _build(execution: ScriptExecution, what: str) -> ExecutionStatus:
    now = datetime.now(UTC)
    outcome = _explain(execution, what)
    chance = random.random()  # noqa: S311 - spreads retries, guards nothing.
    if due := retry.find_next_attempt(execution, outcome.reason, now, chance):
        return statuses.build_retrying(execution, outcome, due, now)
    return statuses.build_settled(execution, outcome, statuses.Times(now, now))


def _explain(execution: ScriptExecution, what: str) -> Outcome:
    pod = execution.status.runner.pod if execution.status.runner else "unknown"
    if execution.is_cancelled:
        why = ending.explain_cancel(execution)
        return Outcome(reason=Reason.CANCELLED, message=f"{why}; its runner, pod {pod}, {what}")
    message = f"the runner that held the run, pod {pod}, {what}"
    if execution.spec.retry is None or execution.spec.retry.limit == 0:
        message += "; set spec.retry.limit to have such runs retried"
    return Outcome(reason=Reason.RUNNER_LOST, message=message)


def _clock() -> float:
    return asyncio.get_running_loop().time()
