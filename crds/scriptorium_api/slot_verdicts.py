"""What becomes of a schedule's slots: which are run, and which are recorded as not run, and why. Pure.

Who fires a slot, a Job's pod or a runner of the pool, asks here at its start, with what is known then. All
ask the same question of the same facts, so it does not matter which of them is late, twice there, or the
first after an outage.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scriptorium_api import slots
from scriptorium_api.cron_script import (
    ConcurrencyPolicy,
    CronScriptSpec,
    Miss,
    MissedRuns,
    MissReason,
)
from scriptorium_api.schedule import Schedule
from scriptorium_api.values import frozen

#: The most slots of an outage that RunAll runs.
MOST_CAUGHT_UP = 100

#: What a record's message holds.
MOST_MESSAGE = 1024

#: A slot whose turn comes so much later than its time was held up by an outage: a controller that works is
#: some seconds late at most, and no schedule fires more often.
ON_TIME = timedelta(seconds=60)


@frozen(kw_only=True)
class Facts:
    """What is known of a CronScript when the turn of a slot has come."""

    spec: CronScriptSpec
    schedule: Schedule
    zone: ZoneInfo
    #: When the turn came: for a pod, when its Job was created, since a slow start of the pod is no outage.
    now: datetime
    #: The status' accountedUntil; before there is one, when the CronScript was created.
    accounted_until: datetime
    #: The slots after accounted_until that have a ScriptExecution, ended or not.
    known: frozenset[datetime] = frozenset()
    #: The names of the CronScript's runs that have not ended.
    active: tuple[str, ...] = ()
    #: Whether one of them is of a slot that an outage had held up.
    is_catching_up: bool = False


@frozen(kw_only=True)
class Verdict:
    """What is to be done about the slots that are due."""

    #: The slots to run, one after another.
    runs: tuple[datetime, ...] = ()
    #: The runs to cancel before.
    replaces: tuple[str, ...] = ()
    #: What is to be recorded of the others, oldest first.
    misses: tuple[Miss, ...] = ()
    #: How far every slot is judged once there are executions of those to run and records of the others; until
    #: then the status must not say so, or slots would be lost with whoever was about to run them.
    accounted_until: datetime
    #: Slots of an outage wait for the end of a run, to be judged then.
    is_waiting: bool = False


def judge_fired(facts: Facts, slot: datetime) -> Verdict:
    """Say what to do now that a slot was fired: about it, and about those before it that nobody fired.

    Nothing, where the slot is judged already; a CronJob may start a slot twice.
    """
    if slot <= facts.accounted_until or slot in facts.known:
        return Verdict(accounted_until=facts.accounted_until)
    # The clock of the one who fired it may be ahead of ours.
    facts = replace(facts, now=max(facts.now, slot))
    if slot not in _list_due(facts) and not slots.is_slot(facts.schedule, facts.zone, slot):
        message = "the schedule was changed; this slot was the former schedule's"
        miss = _build_miss(MissReason.SCHEDULE_CHANGED, message, [slot])
        return Verdict(misses=(miss,), accounted_until=facts.accounted_until)
    return judge_due(facts)


def judge_due(facts: Facts) -> Verdict:
    """Say what to do about every slot that is due and not judged yet."""
    due = _list_due(facts)
    if not due:
        return Verdict(accounted_until=facts.accounted_until)
    if facts.spec.suspend:
        message = "the CronScript is suspended; set suspend to false to run its slots"
        misses = _record_before(facts, [], MissReason.SUSPENDED, message)
        return Verdict(misses=misses, accounted_until=due[-1])
    wanted = _find_wanted(facts, due)
    in_time = [slot for slot in wanted if not _is_too_late(facts, slot)]
    misses = _record_unwanted(facts, wanted) + _record_late(facts, wanted)
    candidates = [slot for slot in in_time if slot not in facts.known]
    verdict = Verdict(misses=misses, accounted_until=due[-1])
    if not candidates or not facts.active:
        return replace(verdict, runs=tuple(candidates))
    return _judge_overlap(facts, candidates, verdict)


def _judge_overlap(facts: Facts, candidates: list[datetime], verdict: Verdict) -> Verdict:
    """Say what to do about slots that are to be run, while there are runs that have not ended."""
    if _has_to_wait(facts, candidates[0]):
        judged = max(facts.accounted_until, candidates[0] - timedelta(seconds=1))
        return replace(verdict, accounted_until=judged, is_waiting=True)
    match facts.spec.concurrency_policy:
        case ConcurrencyPolicy.FORBID:
            message = f"{', '.join(facts.active[:3])} had not ended; concurrencyPolicy is Forbid"
            return replace(
                verdict, misses=(*verdict.misses, _build_miss(MissReason.OVERLAP, message, candidates))
            )
        case ConcurrencyPolicy.REPLACE:
            return replace(verdict, runs=tuple(candidates), replaces=facts.active)
        case ConcurrencyPolicy.ALLOW:
            return replace(verdict, runs=tuple(candidates))


def _has_to_wait(facts: Facts, first: datetime) -> bool:
    """Say whether slots wait for the end of the runs that go on, since RunAll runs each of an outage."""
    if facts.spec.missed_runs is not MissedRuns.RUN_ALL:
        return False
    match facts.spec.concurrency_policy:
        case ConcurrencyPolicy.FORBID:
            return facts.is_catching_up or facts.now - first > ON_TIME
        case ConcurrencyPolicy.REPLACE:
            # What ran before the outage is replaced; slots of the outage would end each other.
            return facts.is_catching_up
        case ConcurrencyPolicy.ALLOW:
            return False


def _list_due(facts: Facts) -> list[datetime]:
    """Give the latest slots that are due, with those that are known: more than that are never run."""
    return slots.list_latest(
        facts.schedule, facts.zone, facts.accounted_until, facts.now, most=MOST_CAUGHT_UP
    )


def _find_wanted(facts: Facts, due: list[datetime]) -> list[datetime]:
    """Give the slots that the spec wants run, however late."""
    match facts.spec.missed_runs:
        case MissedRuns.RUN_ALL:
            return due
        case MissedRuns.RUN_ONCE:
            return due[-1:]
        case MissedRuns.SKIP:
            # Who gives a deadline says how late is not too late.
            has_deadline = facts.spec.starting_deadline_seconds is not None
            return due[-1:] if has_deadline or facts.now - due[-1] <= ON_TIME else []


def _is_too_late(facts: Facts, slot: datetime) -> bool:
    deadline = facts.spec.starting_deadline_seconds
    return deadline is not None and facts.now - slot > timedelta(seconds=deadline)


def _record_unwanted(facts: Facts, wanted: list[datetime]) -> tuple[Miss, ...]:
    """Record the slots of an outage that the spec does not want run."""
    if facts.spec.missed_runs is MissedRuns.RUN_ALL:
        message = f"nothing fired it in time; missedRuns: RunAll runs the latest {MOST_CAUGHT_UP}"
        return _record_before(facts, wanted, MissReason.CATCH_UP_LIMIT, message)
    message = f"nothing fired it in time; missedRuns is {facts.spec.missed_runs}"
    return _record_before(facts, wanted, MissReason.OUTAGE, message)


def _record_late(facts: Facts, wanted: list[datetime]) -> tuple[Miss, ...]:
    late = [slot for slot in wanted if _is_too_late(facts, slot) and slot not in facts.known]
    message = f"its turn came more than {facts.spec.starting_deadline_seconds} s after its time"
    return (_build_miss(MissReason.DEADLINE_PASSED, message, late),) if late else ()


def _record_before(
    facts: Facts, wanted: list[datetime], reason: MissReason, message: str
) -> tuple[Miss, ...]:
    """Record as one all the slots that are due before the wanted ones, be they years of them."""
    until = wanted[0] - timedelta(seconds=1) if wanted else facts.now
    place = (facts.schedule, facts.zone, facts.accounted_until)
    number = slots.count(*place, until) - sum(slot <= until for slot in facts.known)
    if number < 1:
        return ()
    first = next(slot for slot in slots.walk(*place) if slot not in facts.known)
    latest = slots.list_latest(*place, until, most=1 + len(facts.known))
    last = next(slot for slot in reversed(latest) if slot not in facts.known)
    return (_build_miss(reason, message, [first, last], number),)


def _build_miss(reason: MissReason, message: str, missed: list[datetime], number: int = 0) -> Miss:
    return Miss(
        outcome=reason.outcome,
        reason=reason,
        message=message[:MOST_MESSAGE],
        scheduled_time=missed[0],
        last_scheduled_time=missed[-1] if missed[-1] != missed[0] else None,
        count=number or len(missed),
    )


def refuse_first(verdict: Verdict, refusal: str) -> Verdict:
    """Give the verdict with the slot recorded that was to be run, since a quota has no room for its run."""
    miss = build_refused(verdict.runs[0], refusal)
    return replace(verdict, runs=verdict.runs[1:], misses=(*verdict.misses, miss))


def build_refused(slot: datetime, refusal: str) -> Miss:
    """Give the record of a slot for whose run a quota has no room."""
    return _build_miss(MissReason.QUOTA_EXCEEDED, refusal, [slot])


def find_start(slot: datetime, jitter_seconds: int, uid: str) -> datetime:
    """Give when a slot is to start: some seconds after its time, as many each time that one asks."""
    digest = hashlib.sha256(f"{uid}/{int(slot.timestamp())}".encode()).digest()
    share = int.from_bytes(digest[:4]) / 2**32
    return slot + timedelta(seconds=jitter_seconds * share)
