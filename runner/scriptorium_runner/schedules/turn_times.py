"""When the slots of a CronScript come to their turn in a pool's runner. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scriptorium_api import cron_runs, schedule_problems, slots
from scriptorium_api.cron_script import ConcurrencyPolicy, CronScript, CronScriptSpec, MissedRuns
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.schedule import BadSchedule, Schedule, read_schedule
from scriptorium_api.slot_records import SUSPENDED_APART
from scriptorium_api.slot_verdicts import ON_TIME
from scriptorium_api.values import frozen
from scriptorium_runner.schedules.decide import find_slot


@frozen
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
        return due[0] + SUSPENDED_APART
    return cron_runs.find_start(cron_script, due[1])


def find_now(cron_script: CronScript, times: Times, now: datetime) -> datetime:
    """Give when the turn of the slots that are due came, but for the seconds by which they start later.

    A slot that starts later on purpose is not late for that.
    """
    begin = find_begin(cron_script)
    due = find_due(times, begin, now) if begin else None
    if due is None or cron_script.spec.suspend:
        return now
    start = cron_runs.find_start(cron_script, due[1])
    return now - (start - due[1])


def needs_no_runs(cron_script: CronScript, now: datetime) -> bool:
    """Say whether one slot is due, on time, that may overlap: it is run whatever other runs there are.

    If its run is there already it is found by its name when it is made. Under Forbid and Replace a run that
    nobody told of, or that was told of and has ended, would make another verdict.
    """
    return cron_script.spec.concurrency_policy is ConcurrencyPolicy.ALLOW and _is_one_on_time(
        cron_script, now
    )


def _is_one_on_time(cron_script: CronScript, now: datetime) -> bool:
    begin, times = find_begin(cron_script), read_times(cron_script.spec)
    due = find_due(times, begin, now) if times and begin else None
    return due is not None and due[0] == due[1] and timedelta() <= now - due[0] <= ON_TIME


def looks_again(cron_script: CronScript, now: datetime) -> bool:
    """Say whether one slot is due, on time, that may not overlap: who runs it looks again afterwards."""
    spec = cron_script.spec
    # Under RunAll it may have to wait for the run of an outage's slot, rather than to yield to it.
    is_waiting = spec.missed_runs is MissedRuns.RUN_ALL
    is_forbidding = spec.concurrency_policy is ConcurrencyPolicy.FORBID
    return is_forbidding and not is_waiting and _is_one_on_time(cron_script, now)


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
    start = cron_runs.find_start(cron_script, slot)
    return max(0.0, (now - start).total_seconds())
