"""What happens to one run when it is its turn: decide, and then wait, end, or claim, run and settle."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any

from scriptorium_api import ending, retry, time_limits
from scriptorium_api.execution import ExecutionStatus, Holder, Isolation, ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.executions import attempt, context, decide, duplicates, schedules
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.ports import Board, Sandbox

log = logging.getLogger(__name__)

#: A Script and its run are often created by one command and seen in either order: no word of a missing
#: Script before this many seconds.
GRACE_SECONDS = 2.0

#: A run that was handed back for want of a worker is left to other runners for so long.
HANDED_BACK_SECONDS = 5.0

#: For so long after its start deadline a run that has a pod of its own is left to the operator, which knows
#: why that pod did not start.
OPERATOR_SECONDS = 30.0

#: A run that waits for a value is looked at again this often: no event tells of a changed file.
VALUES_SECONDS = 3.0

#: A runner that cannot be heard by the others looks again this soon.
UNHEARD_SECONDS = 1.0


@frozen(kw_only=True)
class Place:
    """Who this runner is and how much it takes."""

    holder: Holder
    tenant: Tenant
    slots: int
    count_reserved: Callable[[], int] = lambda: 0
    """How many of these slots are kept for others than runs of the queue at this moment."""
    script_share: float = 0.5
    """The part of the slots that one Script may hold while others wait."""
    may_claim: Callable[[], bool] = lambda: True
    """Whether the other runners would respect a claim."""
    takes: frozenset[Isolation] = frozenset(Isolation)
    """The runs that are started here; the others' waiting and ending are seen to, their start is not."""
    is_enabled: bool = True
    """Whether any script is started here; if not, runs are told so and wait."""

    @property
    def queue_slots(self) -> int:
        """Say how many runs of the queue may be in hand at this moment."""
        return self.slots - self.count_reserved()


@frozen
class Done:
    """Nothing more to do with this version of the run."""


@frozen
class Parked:
    """The run waits for a change of this Script."""

    script: tuple[str, str]


@frozen
class LookAgain:
    """The run is to be looked at again after this many seconds."""

    seconds: float


Result = Done | Parked | LookAgain


@frozen
class Signals:
    """What can change while a run is being handled."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """The run has to end now: cancelled, deleted, or cut off."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody set spec.cancel."""
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    """The runner takes nothing new; shared by all runs."""
    claimed: asyncio.Event = field(default_factory=asyncio.Event)
    """The run is this runner's."""


@frozen
class Visit:
    """One look at one run."""

    execution: ScriptExecution
    seen: datetime
    """When this runner saw the run first."""
    signals: Signals
    is_first: bool = True
    """Whether this runner is the first in the order for the run."""


class Handling:
    """The verbs of one runner; holds no run."""

    def __init__(
        self,
        board: Board,
        sandbox: Sandbox,
        place: Place,
        on_end: Callable[[ScriptExecution, ExecutionStatus], None],
    ) -> None:
        self._board, self._sandbox, self._place, self._on_end = board, sandbox, place, on_end

    async def handle(self, visit: Visit) -> Result:
        """Do what is to be done with a run that has not started; raises BoardError."""
        execution = schedules.take_over(self._board, visit.execution)
        visit = replace(visit, execution=execution)
        script = self._find_script(execution)
        source = await self._find_source(execution, script)
        # What another pod's volume holds cannot be seen from here.
        can_see = script is not None and self._takes(execution)
        values = self._board.read_values(script) if script and can_see else decide.Values()
        now = _utc_now()
        decision = decide.decide_start(execution, script, source, now, values)
        if not self._place.is_enabled:
            decision = decide.hold_back(execution, decision)
        match decision:
            case decide.Wait():
                return await self._wait(visit, decision, (now - visit.seen).total_seconds())
            case decide.NotYet():
                return LookAgain(decision.seconds)
            case decide.End():
                # The operator knows why a pod did not start, but makes none where scripts are switched off.
                is_ours = self._takes(execution) or not self._place.is_enabled
                left = 0.0 if is_ours else _leave_to_operator(execution, decision, now)
                return LookAgain(left) if left > 0 else await self._end_unstarted(execution, decision)
            case decide.Start() if not self._takes(execution):
                return Parked((execution.metadata.namespace, script.metadata.name if script else ""))
            case decide.Start():
                return await self._find_duplicate(visit) or await self._run(visit, decision, script)

    def _takes(self, execution: ScriptExecution) -> bool:
        return execution.spec.isolation in self._place.takes

    def _find_script(self, execution: ScriptExecution) -> Script | None:
        reference = execution.spec.script_ref
        return self._board.find_script(execution.metadata.namespace, reference.name) if reference else None

    async def _find_source(self, execution: ScriptExecution, script: Script | None) -> decide.Source:
        if script is not None:
            return await self._board.read_source(script)
        return decide.Source(execution.spec.source)

    async def _wait(self, visit: Visit, wait: decide.Wait, waited: float) -> Result:
        execution = visit.execution
        if waited < GRACE_SECONDS:
            return LookAgain(GRACE_SECONDS - waited)
        if _is_news(visit, wait):
            await self._board.write_status(execution, statuses.build_waiting(execution, wait))
        if wait.reason is Reason.SECRETS_PENDING:
            return LookAgain(VALUES_SECONDS)
        return Parked((execution.metadata.namespace, wait.script))

    async def _end_unstarted(self, execution: ScriptExecution, end: decide.End) -> Result:
        status = statuses.build_unstarted_end(execution, end, _utc_now())
        if written := await attempt.settle(self._board, execution, lambda _current: status):
            self._on_end(execution, written)
        return Done()

    async def _find_duplicate(self, visit: Visit) -> Result | None:
        """End the run if another was first with its key; None if it is the first, or has none."""
        execution = visit.execution
        key = execution.spec.idempotency_key
        if key is None or execution.status.attempt:
            return None
        waited = (_utc_now() - visit.seen).total_seconds()
        if waited < duplicates.SURE_SECONDS:
            return LookAgain(duplicates.SURE_SECONDS - waited)
        others = await self._board.list_with_key(execution.metadata.namespace, key)
        first = duplicates.find_first(execution, others)
        if first is None:
            return None
        message = f"run {first.metadata.name} had the idempotency key first, {first.status.phase} by now"
        return await self._end_unstarted(
            execution, decide.End(Reason.DUPLICATE, message, first.metadata.name)
        )

    async def _run(self, visit: Visit, start: decide.Start, script: Script | None) -> Result:
        execution, signals = visit.execution, visit.signals
        if signals.draining.is_set():
            return Done()
        if not self._place.may_claim():
            return LookAgain(UNHEARD_SECONDS)
        status = statuses.build_claimed(execution, start, script, self._place.holder, _utc_now())
        claimed = await attempt.claim(self._board, execution, status)
        if claimed is None:
            return Done()
        signals.claimed.set()
        if claimed.is_cancelled:
            signals.cancelled.set()
            signals.stop.set()
        # The board answers with the run as it is stored.
        claimed = schedules.take_over(self._board, claimed)
        values = context.build_context(claimed, script, status.script_version, self._place.tenant)
        values["execution"] |= self._describe_schedule(execution)
        outcome = None if _is_cut_off(signals) else await self._try(start, values, signals.stop)
        if outcome is None or _was_never_started(outcome, signals):
            log.info("handing back a run that did not start", extra={"uid": execution.metadata.uid})
            await attempt.settle(self._board, claimed, statuses.build_returned)
            return LookAgain(HANDED_BACK_SECONDS)
        await self._settle(claimed, _explain_stop(outcome, signals), visit.seen)
        return Done()

    async def _try(self, start: decide.Start, values: dict[str, Any], stop: asyncio.Event) -> Outcome | None:
        """Run the script; None if there was no room for it."""
        try:
            return await self._sandbox.run(start, values, stop, self._board)
        except NoWorker:
            return None
        except Exception:
            # A claimed run has to end, with a reason, also when the bug is ours.
            log.exception("the sandbox failed", extra={"script": start.owner})
            return Outcome(reason=Reason.ENGINE_CRASH, message="the runner failed; its log has the cause")

    def _describe_schedule(self, execution: ScriptExecution) -> dict[str, Any]:
        cron_script = schedules.find_cron_script(self._board, execution)
        return context.build_schedule(cron_script, execution, _utc_now()) if cron_script else {}

    async def _settle(self, claimed: ScriptExecution, outcome: Outcome, seen: datetime) -> None:
        chance = random.random()  # noqa: S311 - spreads retries, guards nothing.

        def build(current: ScriptExecution) -> ExecutionStatus:
            now = _utc_now()
            current = schedules.take_over(self._board, current)
            ended = _explain_replacement(outcome, current)
            if due := retry.find_next_attempt(current, ended.reason, now, chance):
                return statuses.build_retrying(current, ended, due, now)
            return statuses.build_settled(current, ended, statuses.Times(seen, now))

        if written := await attempt.settle(self._board, claimed, build):
            self._on_end(claimed, written)


def _leave_to_operator(execution: ScriptExecution, end: decide.End, now: datetime) -> float:
    """Give for how many seconds the end of a run is the operator's to tell."""
    if end.reason is not Reason.START_DEADLINE_EXCEEDED:
        return 0.0
    return OPERATOR_SECONDS - (now - time_limits.find_start_deadline(execution)).total_seconds()


def _is_news(visit: Visit, wait: decide.Wait) -> bool:
    """Say whether the status has to be written.

    Values reach the pods one after the other. Of those that lack some only the first corrects what is told:
    else they would contradict each other without end.
    """
    told = visit.execution.status
    may_correct = visit.is_first or wait.reason is not Reason.SECRETS_PENDING
    return told.reason != wait.reason or (may_correct and told.message != wait.message)


def _was_never_started(outcome: Outcome, signals: Signals) -> bool:
    """Say whether the drain's cut came while the run was waiting for a worker."""
    return outcome.reason is Reason.CANCELLED and outcome.started_at is None and _is_cut_off(signals)


def _is_cut_off(signals: Signals) -> bool:
    return signals.draining.is_set() and not signals.cancelled.is_set()


def _explain_stop(outcome: Outcome, signals: Signals) -> Outcome:
    """Tell a run that the runner cut off from one that somebody cancelled."""
    if outcome.reason is not Reason.CANCELLED or not _is_cut_off(signals):
        return outcome
    return replace(
        outcome,
        reason=Reason.RUNNER_SHUTDOWN,
        message="the runner had to stop before the script ended",
        error=None,
    )


def _explain_replacement(outcome: Outcome, current: ScriptExecution) -> Outcome:
    if outcome.reason is not Reason.CANCELLED or current.status.replaced_by is None:
        return outcome
    return replace(outcome, message=ending.explain_cancel(current))


def _utc_now() -> datetime:
    return datetime.now(UTC)
