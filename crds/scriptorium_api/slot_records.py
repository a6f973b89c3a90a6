"""What a CronScript's status tells of slots that were not run. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from scriptorium_api import slot_verdicts, slots
from scriptorium_api.cron_script import (
    MAX_MISSES,
    CronScriptSpec,
    CronScriptStatus,
    Miss,
    MissReason,
    Outcome,
)
from scriptorium_api.slot_verdicts import Facts, Verdict
from scriptorium_api.values import frozen

#: So seldom the slots are recorded that a suspension skips; what is left is recorded when it ends.
SUSPENDED_APART = timedelta(minutes=10)

_CHANGED = "the schedule or its time zone was changed before this slot was run"
_HELD_UP = "nothing fired it in time, and then the schedule was changed or suspended"


@frozen
class Recorded:
    """What the status said when a run was recorded: it tells who of two made at the same moment is first.

    Of two that judge at once one is recorded first, and the other finds it in the status. The times at which
    runs were made tell no such thing, being whole seconds.
    """

    since: datetime
    """The accountedUntil by which the run was made."""
    until: datetime
    """The accountedUntil at which it was recorded, or gave up."""

    def is_after(self, slot: datetime | None) -> bool:
        """Say whether this one comes after the run of another slot, which was recorded meanwhile."""
        return slot is not None and self.since < slot <= self.until

    def is_before(self, slot: datetime | None) -> bool:
        """Say whether this one comes before the run of another slot, which is not recorded yet."""
        return slot is not None and slot > self.until


def judge_former(facts: Facts, present: CronScriptSpec) -> tuple[Miss, ...]:
    """Say what to record of a schedule's slots that were not run before it was changed.

    `facts` are those of the former terms; `present` is the spec as it is now. What an outage had held up
    before the change was missed: to suspend a schedule, or to change it, does not undo that.
    """
    if facts.spec.suspend:
        return _skip(facts)
    # One whose turn had not come, or whose pod has just begun, is no slot of an outage.
    held_up = facts.now - slot_verdicts.ON_TIME - timedelta(seconds=facts.spec.jitter_seconds)
    if held_up <= facts.accounted_until:
        missed: tuple[Miss, ...] = ()
    else:
        outage, before = MissReason.OUTAGE, replace(facts, now=held_up)
        missed = tuple(_rename(miss, outage, _HELD_UP) for miss in _skip(before))
        known = frozenset(slot for slot in facts.known if slot > held_up)
        facts = replace(facts, accounted_until=held_up, known=known)
    if present.suspend:
        return (*missed, *_skip(facts))
    return (*missed, *(_rename(miss, MissReason.SCHEDULE_CHANGED, _CHANGED) for miss in _skip(facts)))


def _skip(facts: Facts) -> tuple[Miss, ...]:
    suspended = replace(facts, spec=facts.spec.model_copy(update={"suspend": True}))
    return slot_verdicts.judge_due(suspended).misses


def _rename(miss: Miss, reason: MissReason, message: str) -> Miss:
    return miss.model_copy(update={"outcome": reason.outcome, "reason": reason, "message": message})


def record(status: CronScriptStatus, facts: Facts, verdict: Verdict) -> CronScriptStatus:
    """Give the status with what was judged; slots that go on where the last record ends are one with it."""
    misses = _find_news(status, verdict.misses)
    counted = add(status, misses)
    if status.misses and misses and _goes_on(status.misses[-1], misses[0], facts):
        told = [*status.misses[:-1], _join(status.misses[-1], misses[0]), *misses[1:]]
        counted = counted.model_copy(update={"misses": told[-MAX_MISSES:]})
    if verdict.accounted_until <= (status.accounted_until or facts.accounted_until):
        return counted
    return counted.model_copy(update={"accounted_until": verdict.accounted_until})


def add(status: CronScriptStatus, misses: tuple[Miss, ...]) -> CronScriptStatus:
    """Give the status with these slots counted, and told one by one as far as there is room."""
    misses = _find_news(status, misses)
    return status.model_copy(
        update={
            "missed_runs": status.missed_runs + _count(misses, Outcome.MISSED),
            "skipped_runs": status.skipped_runs + _count(misses, Outcome.SKIPPED),
            "late_runs": status.late_runs + _count(misses, Outcome.LATE),
            "misses": [*status.misses, *misses][-MAX_MISSES:],
        }
    )


def _find_news(status: CronScriptStatus, misses: tuple[Miss, ...]) -> tuple[Miss, ...]:
    """Give what is not recorded yet: a Job of a former schedule may be started twice."""
    told = {(miss.reason, miss.scheduled_time, miss.last_scheduled_time) for miss in status.misses}
    return tuple(
        miss for miss in misses if (miss.reason, miss.scheduled_time, miss.last_scheduled_time) not in told
    )


def _goes_on(last: Miss, first: Miss, facts: Facts) -> bool:
    """Say whether two records are of slots in a row, and tell the same of them."""
    if (last.reason, last.message) != (first.reason, first.message):
        return False
    end = last.last_scheduled_time or last.scheduled_time
    return slots.find_next(facts.schedule, facts.zone, end) == first.scheduled_time


def _join(last: Miss, first: Miss) -> Miss:
    end = first.last_scheduled_time or first.scheduled_time
    return last.model_copy(update={"last_scheduled_time": end, "count": last.count + first.count})


def _count(misses: tuple[Miss, ...], outcome: Outcome) -> int:
    return sum(miss.count for miss in misses if miss.outcome is outcome)
