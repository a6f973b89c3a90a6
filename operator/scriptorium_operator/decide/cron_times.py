"""When a schedule fires next, and when its status is written. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scriptorium_api import schedule, slots
from scriptorium_api.cron_script import CronScriptSpec, CronScriptStatus
from scriptorium_api.schedule import BadSchedule
from scriptorium_operator.facts import Problem

#: What runs tell is written down at most so often for one CronScript.
APART = timedelta(seconds=10)

#: A slot is over a moment after its time: a clock that is early by a little must not see it as the next one.
_AFTER_SLOT_SECONDS = 1.0


def find_next_slot(spec: CronScriptSpec, now: datetime) -> datetime | Problem | None:
    """Give the next slot, in the schedule's time zone; None while suspended."""
    try:
        zone = ZoneInfo(spec.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Problem(
            "TimeZoneUnknown", f"{spec.time_zone} is no time zone that is known here: change spec.timeZone"
        )
    try:
        slot = slots.find_next(schedule.read_schedule(spec.schedule), zone, now)
    except BadSchedule as bad:
        return Problem("ScheduleInvalid", str(bad))
    if slot is None:
        return Problem("NeverFires", f"no time to come matches {spec.schedule}: change spec.schedule")
    return None if spec.suspend else slot.astimezone(zone)


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


def find_next_look(next_slot: datetime | None, now: datetime) -> float | None:
    """Give after how many seconds the status says something else without anything having happened."""
    if next_slot is None:
        return None
    return (next_slot - now).total_seconds() + _AFTER_SLOT_SECONDS
