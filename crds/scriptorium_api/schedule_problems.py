"""What is wrong with a schedule beyond the API server's own rules, and the cure.

Pure, but for the files that the rules of time zones are in.
"""

from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from scriptorium_api import slots
from scriptorium_api.cron_script import CronScriptSpec
from scriptorium_api.schedule import BadSchedule, read_schedule

#: Schedules have minutes, so none fires more often than this.
SHORTEST_INTERVAL = timedelta(minutes=1)


class UnknownZone(ValueError):
    """There is no time zone of this name; the message names near ones."""


def find_problem(spec: CronScriptSpec, least_interval: timedelta = SHORTEST_INTERVAL) -> str | None:
    """Say why a CronScript could not be what its author meant, with the field; None if it can be."""
    try:
        schedule = read_schedule(spec.schedule)
        find_zone(spec.time_zone)
    except BadSchedule as bad:
        return f"spec.schedule: {bad}"
    except UnknownZone as unknown:
        return f"spec.timeZone: {unknown}"
    gap = slots.find_least_gap(schedule)
    if gap is None:
        return f'spec.schedule: "{spec.schedule}" never fires: none of its months has such a day'
    if gap < least_interval:
        allowed = f"no more often than every {_tell(least_interval)} is allowed here"
        return f"spec.schedule: fires after {_tell(gap)} again; {allowed}"
    if timedelta(seconds=spec.jitter_seconds) >= gap:
        return f"spec.jitterSeconds: must be less than the {_tell(gap)} between two slots"
    return None


@cache
def find_zone(name: str) -> ZoneInfo:
    """Give the rules of a time zone; raises UnknownZone."""
    try:
        return ZoneInfo(name)
    # A folder of zones, such as Europe, is no zone either.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = get_close_matches(name, sorted(available_timezones()), n=3)
        cure = f"did you mean {' or '.join(near)}?" if near else "names are such as Europe/Berlin or UTC"
        raise UnknownZone(f'there is no time zone "{name}"; {cure}') from error


def _tell(span: timedelta) -> str:
    """Write a span in the largest units that come out even."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    if seconds:
        return f"{minutes * 60 + seconds} seconds"
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
