"""What is known of a schedule when a slot's turn comes, and what of the verdict is done at once. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scriptorium_api import cron_runs, ending, schedule_problems, slot_verdicts, slots
from scriptorium_api.cron_script import (
    MAX_MISSES,
    ConcurrencyPolicy,
    CronScript,
    CronScriptSpec,
    CronScriptStatus,
    Miss,
    MissedRuns,
    MissReason,
)
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_api.schedule import BadSchedule, Schedule, read_schedule
from scriptorium_api.slot_verdicts import ON_TIME, Facts, Verdict

_BEGIN = datetime.min

#: The slots that a suspension skips are recorded this long after the first of them, and when it ends.
SUSPENDED = timedelta(seconds=600)

_CHANGED = "the schedule or its time zone was changed before this slot was run"


def gather(cron_script: CronScript, runs: Sequence[ScriptExecution], now: datetime) -> Facts | None:
    """Give what is known; None of a schedule that makes no sense, which the operator says in its status."""
    if schedule_problems.find_problem(cron_script.spec):
        return None
    begun = cron_script.status.accounted_until or cron_script.metadata.creation_timestamp or now
    own = [run for run in runs if cron_runs.is_run_of(run, cron_script)]
    return Facts(
        spec=cron_script.spec,
        schedule=read_schedule(cron_script.spec.schedule),
        zone=schedule_problems.find_zone(cron_script.spec.time_zone),
        now=now,
        accounted_until=begun,
        known=frozenset(slot for run in own if (slot := find_slot(run)) and slot > begun),
        active=tuple(run.metadata.name for run in own if not run.status.phase.is_terminal),
    )


def find_slot(run: ScriptExecution) -> datetime | None:
    """Give the slot that a run is of; None if it was started by hand."""
    return run.spec.fired_by.scheduled_time if run.spec.fired_by else None


def judge(facts: Facts, slot: datetime | None) -> Verdict:
    """Say what to do about the slot that was fired, or without one about all that are due."""
    verdict = slot_verdicts.judge_fired(facts, slot) if slot else slot_verdicts.judge_due(facts)
    return take_first(verdict, facts)


def has_same_terms(one: CronScriptSpec, other: CronScriptSpec) -> bool:
    """Say whether two specs have the same slots, and run or skip them alike."""
    return (one.schedule, one.time_zone, one.suspend) == (other.schedule, other.time_zone, other.suspend)


def judge_change(facts: Facts, former: CronScriptSpec) -> Verdict:
    """Say what to record now that a schedule was changed: of the former one's slots.

    None of them is run, and none of the past that is only the new schedule's: that was no slot at its time.
    """
    is_past = bool(slots.list_latest(facts.schedule, facts.zone, facts.accounted_until, facts.now, most=1))
    misses = _record_former(facts, former)
    return Verdict(misses=misses, accounted_until=facts.now if misses or is_past else facts.accounted_until)


def _record_former(facts: Facts, former: CronScriptSpec) -> tuple[Miss, ...]:
    if schedule_problems.find_problem(former):
        return ()
    as_suspended = replace(
        facts,
        spec=former.model_copy(update={"suspend": True}),
        schedule=read_schedule(former.schedule),
        zone=schedule_problems.find_zone(former.time_zone),
    )
    misses = slot_verdicts.judge_due(as_suspended).misses
    return misses if former.suspend or facts.spec.suspend else tuple(map(_rename, misses))


def _rename(miss: Miss) -> Miss:
    reason = MissReason.SCHEDULE_CHANGED
    return miss.model_copy(update={"outcome": reason.outcome, "reason": reason, "message": _CHANGED})


def build_record(cron_script: CronScript, facts: Facts, verdict: Verdict) -> CronScriptStatus:
    """Give the status with what was judged; slots that go on where its last record ends are one with it."""
    former, misses = cron_script.status, verdict.misses
    status = slot_verdicts.record_misses(former, misses)
    if former.misses and misses and _goes_on(former.misses[-1], misses[0], facts):
        told = [*former.misses[:-1], _join(former.misses[-1], misses[0]), *misses[1:]]
        status = status.model_copy(update={"misses": told[-MAX_MISSES:]})
    if verdict.accounted_until > facts.accounted_until:
        status = status.model_copy(update={"accounted_until": verdict.accounted_until})
    return status


def _goes_on(last: Miss, first: Miss, facts: Facts) -> bool:
    """Say whether two records are of slots in a row, and tell the same of them."""
    if (last.reason, last.message) != (first.reason, first.message):
        return False
    end = last.last_scheduled_time or last.scheduled_time
    return slots.find_next(facts.schedule, facts.zone, end) == first.scheduled_time


def _join(last: Miss, first: Miss) -> Miss:
    end = first.last_scheduled_time or first.scheduled_time
    return last.model_copy(update={"last_scheduled_time": end, "count": last.count + first.count})


def take_first(verdict: Verdict, facts: Facts) -> Verdict:
    """Give what is to be done now: of several slots one, since an outage must not end in a burst.

    The others are judged again when that one has ended; until then the status does not count them.
    """
    if len(verdict.runs) < 2:
        return verdict
    return _hold_back(verdict, facts, 1)


def judge_rest(facts: Facts) -> Verdict:
    """Say what is to be recorded beside the run that was just made."""
    verdict = slot_verdicts.judge_due(facts)
    return _hold_back(verdict, facts, 0) if verdict.runs else verdict


def _hold_back(verdict: Verdict, facts: Facts, number: int) -> Verdict:
    """Give the verdict with so many of its runs; the others are not judged yet."""
    before = verdict.runs[number] - timedelta(seconds=1)
    return replace(
        verdict,
        runs=verdict.runs[:number],
        replaces=verdict.replaces if number else (),
        accounted_until=max(facts.accounted_until, before),
        is_waiting=True,
    )


def find_rival(
    cron_script: CronScript, own: ScriptExecution, runs: Iterable[ScriptExecution]
) -> ScriptExecution | None:
    """Give the run that a new one has to yield to under Forbid: two slots were judged at the same moment.

    Each of the two sees the other, since it looks after its own run is made; both find the same one to be
    first.
    """
    unfinished = [
        run
        for run in runs
        if cron_runs.is_run_of(run, cron_script)
        and (not run.status.phase.is_terminal or run.metadata.uid == own.metadata.uid)
    ]
    first = min(unfinished, key=_order, default=own)
    return first if first.metadata.uid != own.metadata.uid else None


def build_yield(own: ScriptExecution, rival: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run that yields: it ends at once, or where it was taken meanwhile is stopped."""
    if own.status.attempt:
        return own.status.model_copy(update={"replaced_by": rival.metadata.name})
    created = own.metadata.creation_timestamp
    assert created is not None, "the API server sets creationTimestamp"  # noqa: S101
    name = rival.metadata.name
    message = f"{name} had not ended, which was made at the same moment; concurrencyPolicy is Forbid"
    return ending.build_end(own, Reason.CANCELLED, message, created)


def _order(run: ScriptExecution) -> tuple[bool, datetime, datetime, str]:
    created, slot = run.metadata.creation_timestamp, find_slot(run)
    # Who runs already is never the one to yield.
    is_new = not run.status.attempt
    return is_new, _naive(created), _naive(slot), run.metadata.uid


def _naive(moment: datetime | None) -> datetime:
    return moment.replace(tzinfo=None) if moment else _BEGIN


@dataclass(frozen=True, slots=True)
class Times:
    """What a CronScript's slots are made of."""

    schedule: Schedule
    zone: ZoneInfo


def read_times(spec: CronScriptSpec) -> Times | None:
    """Give what the slots are made of; None of a schedule that can have none."""
    try:
        return Times(read_schedule(spec.schedule), schedule_problems.find_zone(spec.time_zone))
    except (BadSchedule, schedule_problems.UnknownZone):
        return None


def find_begin(cron_script: CronScript) -> datetime | None:
    """Give the moment up to which every slot is judged."""
    return cron_script.status.accounted_until or cron_script.metadata.creation_timestamp


def find_due(times: Times, begin: datetime, now: datetime) -> tuple[datetime, datetime] | None:
    """Give the first and the last slot that is due and not judged; the next one twice, where none is due."""
    first = slots.find_next(times.schedule, times.zone, begin)
    if first is None or first > now:
        return (first, first) if first else None
    latest = slots.list_latest(times.schedule, times.zone, begin, now, most=1)
    return first, latest[-1]


def find_turn(cron_script: CronScript, times: Times, now: datetime) -> datetime | None:
    """Give when slots of a CronScript are to be judged next, be it long ago; None if it never fires again.

    Those that are due wait for the latest of them, which may have to start some seconds after its time.
    """
    begin = find_begin(cron_script)
    due = find_due(times, begin, now) if begin else None
    if due is None:
        return None
    if cron_script.spec.suspend:
        return due[0] + SUSPENDED
    return slot_verdicts.find_start(due[1], cron_script.spec.jitter_seconds, cron_script.metadata.uid)


def find_now(cron_script: CronScript, times: Times, now: datetime) -> datetime:
    """Give when the turn of the slots that are due came, but for the seconds by which they start later.

    A slot that starts later on purpose is not late for that.
    """
    begin = find_begin(cron_script)
    due = find_due(times, begin, now) if begin else None
    if due is None or cron_script.spec.suspend:
        return now
    start = slot_verdicts.find_start(due[1], cron_script.spec.jitter_seconds, cron_script.metadata.uid)
    return now - (start - due[1])


def needs_no_runs(cron_script: CronScript, now: datetime) -> bool:
    """Say whether one slot is due, on time, that may overlap: it is run whatever other runs there are.

    If its run is there already it is found by its name when it is made. Under Forbid and Replace a run that
    nobody told of, or that was told of and has ended, would make another verdict.
    """
    spec, begin, times = cron_script.spec, find_begin(cron_script), read_times(cron_script.spec)
    if times is None or begin is None or spec.concurrency_policy is not ConcurrencyPolicy.ALLOW:
        return False
    due = find_due(times, begin, now)
    return due is not None and due[0] == due[1] and timedelta() <= now - due[0] <= ON_TIME


def waits_for_end(cron_script: CronScript, now: datetime) -> bool:
    """Say whether the slots that are due are run one after another, each when the one before has ended."""
    begin, times = find_begin(cron_script), read_times(cron_script.spec)
    if cron_script.spec.missed_runs is not MissedRuns.RUN_ALL or begin is None or times is None:
        return False
    due = find_due(times, begin, now)
    return due is not None and find_now(cron_script, times, now) - due[0] > ON_TIME


def is_on_time(cron_script: CronScript, turn: datetime, now: datetime) -> bool:
    """Say whether a turn comes when it should, rather than after an outage."""
    return not cron_script.spec.suspend and now - turn <= ON_TIME


def has_past(cron_script: CronScript, former: CronScriptSpec, until: datetime) -> bool:
    """Say whether a changed schedule has slots up to a moment, by its former terms or by those of now."""
    begin = find_begin(cron_script)
    both = [read_times(former), read_times(cron_script.spec)]
    found = [slots.find_next(each.schedule, each.zone, begin) for each in both if each and begin]
    return any(slot is not None and slot <= until for slot in found)


def find_delay(cron_script: CronScript, run: ScriptExecution, now: datetime) -> float | None:
    """Give how many seconds after it was to start a slot has its run; None if it is the run of no slot."""
    slot = find_slot(run)
    if slot is None:
        return None
    start = slot_verdicts.find_start(slot, cron_script.spec.jitter_seconds, cron_script.metadata.uid)
    return max(0.0, (now - start).total_seconds())
