"""When a schedule fires next, and when its status is written. Pure, but for the rules of time zones."""

from datetime import datetime, timedelta

from scriptorium_api import schedule_problems, slots
from scriptorium_api.cron_script import CronScriptSpec, CronScriptStatus
from scriptorium_api.schedule import read_schedule
from scriptorium_api.slot_records import SUSPENDED_APART
from scriptorium_operator.facts import Problem

#: What runs tell is written down at most so often for one CronScript.
APART = timedelta(seconds=10)

#: A slot is over a moment after its time: a clock that is early by a little must not see it as the next one.
_AFTER_SLOT_SECONDS = 1.0


def find_next_slot(spec: CronScriptSpec, now: datetime) -> datetime | Problem:
    """Give the next slot, in the schedule's time zone, also of one that is suspended."""
    if problem := schedule_problems.find_problem(spec):
        return Problem("ScheduleInvalid", problem)
    zone = schedule_problems.find_zone(spec.time_zone)
    slot = slots.find_next(read_schedule(spec.schedule), zone, now)
    return slot.astimezone(zone) if slot else Problem("ScheduleInvalid", "spec.schedule: never fires again")


def find_pause(
    former: CronScriptStatus, status: CronScriptStatus, written: datetime | None, now: datetime
) -> float:
    """Give after how many seconds the status may be written: at once, if somebody may wait for it."""
    is_awaited = former.observed_generation != status.observed_generation or [
        (each.type, each.status, each.reason) for each in former.conditions
    ] != [(each.type, each.status, each.reason) for each in status.conditions]
    if is_awaited or written is None:
        return 0.0
    return max(0.0, (written + APART - now).total_seconds())


def find_next_look(next_slot: datetime | None, now: datetime, *, is_suspended: bool) -> float | None:
    """Give after how many seconds the status says something else without anything having happened."""
    if next_slot is None:
        return None
    seconds = (next_slot - now).total_seconds() + _AFTER_SLOT_SECONDS
    return max(seconds, SUSPENDED_APART.total_seconds()) if is_suspended else seconds
