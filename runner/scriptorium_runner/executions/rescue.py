"""Runs whose runner is gone: taken up by those that are left."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from scriptorium_api import retry
from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_runner.executions import attempt
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
    """A run in another's hands, when it was noted, and in how many looks its holder was found gone."""

    execution: ScriptExecution
    noted: float
    lost: int = 0


class Others(Protocol):
    """What a runner can find out about the others of its pool."""

    async def look(self) -> Mapping[str, Sign]:
        """Give what their leases show now, by pod UID; raises Unreachable."""

    def rank(self, uid: str) -> int:
        """Give this runner's place among those that may take up this run, 0 being first."""


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
        if holder is None or holder == self._holder:
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
            await self._look_once()
            for uid, claim in list(self._claims.items()):
                # While one was taken up, others may have changed hands.
                if self._claims.get(uid) is claim and self._is_lost(claim):
                    claim.lost += 1
                    # The others of the pool saw the same: each leaves a look to those before it.
                    if claim.lost > self._others.rank(uid):
                        await self._rescue(uid, claim)
            await asyncio.sleep(LOOK_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the looks.

    async def _look_once(self) -> None:
        begun = _clock()
        try:
            self._lives.look(await self._others.look(), begun, _clock())
        except BoardError as error:
            log.warning("cannot see the other runners", extra={"error": str(error)})
            self._lives.look_failed()

    def _is_lost(self, claim: _Claim) -> bool:
        holder = claim.execution.status.runner
        return holder is not None and self._lives.is_lost(holder, claim.noted)

    async def _rescue(self, uid: str, claim: _Claim) -> None:
        execution, holder = claim.execution, claim.execution.status.runner
        log.warning(
            "taking up the run of a lost runner",
            extra={"uid": uid, "runner": holder.pod if holder else None, "attempt": execution.status.attempt},
        )
        written = await attempt.settle(self._board, execution, build_lost)
        if self._claims.get(uid) is claim:
            self.forget(uid)
        if written:
            self._on_end(execution, written)


def build_lost(execution: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run whose runner is gone."""
    now = datetime.now(UTC)
    outcome = _explain(execution)
    chance = random.random()  # noqa: S311 - spreads retries, guards nothing.
    if due := retry.find_next_attempt(execution, outcome.reason, now, chance):
        return statuses.build_retrying(execution, outcome, due, now)
    return statuses.build_settled(execution, outcome, statuses.Times(now, now))


def _explain(execution: ScriptExecution) -> Outcome:
    pod = execution.status.runner.pod if execution.status.runner else "unknown"
    if execution.spec.cancel:
        return Outcome(reason=Reason.CANCELLED, message=f"cancelled; its runner, pod {pod}, is gone")
    message = f"the runner that held the run, pod {pod}, is gone"
    if execution.spec.retry is None or execution.spec.retry.limit == 0:
        message += "; set spec.retry.limit to have such runs retried"
    return Outcome(reason=Reason.RUNNER_LOST, message=message)


def _clock() -> float:
    return asyncio.get_running_loop().time()
