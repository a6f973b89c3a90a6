"""When CronScripts fire next, as lines to read. Pure, but for the rules of time zones."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from scriptorium_api import schedule_problems, slots
from scriptorium_api.cron_script import CronScript
from scriptorium_api.schedule import read_schedule
from scriptorium_runner.dev import table
from scriptorium_runner.sources import files
from scriptorium_runner.sources.manifests import Loaded

_NONE = "no CronScript found: add one to run a Script at the times of a schedule"


@dataclass(slots=True)
class Forecast:
    """What is told of the slots to come."""

    lines: list[str] = field(default_factory=list)
    """A line for each slot."""
    notes: list[str] = field(default_factory=list)
    """What there is to say of those that have none."""


def forecast(loaded: Loaded, at: datetime, count: int) -> Forecast:
    """Give the next slots of every CronScript after a moment; with several, its name is before each."""
    cron_scripts = files.list_cron_scripts(loaded)
    if not cron_scripts:
        return Forecast(notes=[] if loaded.problems else [_NONE])
    width = max(len(table.render_name(each.metadata)) for each in cron_scripts)
    told = Forecast()
    for cron_script in cron_scripts:
        name = table.render_name(cron_script.metadata)
        times = list_times(cron_script, at, count)
        if not times:
            told.notes.append(f"{name} {explain_silence(cron_script)}")
        head = f"{name:<{width}}  " if len(cron_scripts) > 1 else ""
        told.lines += [head + time for time in times]
    return told


def list_times(cron_script: CronScript, at: datetime, count: int) -> list[str]:
    """Give the next slots after a moment, by the clock of the schedule's time zone; none while suspended."""
    spec = cron_script.spec
    if spec.suspend:
        return []
    schedule, zone = read_schedule(spec.schedule), schedule_problems.find_zone(spec.time_zone)
    # Within a repeated hour the search finds the later slot from the earlier one, but not from between them.
    begun = slots.find_previous(schedule, zone, at) or at
    found = (slot for slot in slots.walk(schedule, zone, begun) if slot > at)
    return [slot.astimezone(zone).isoformat() for slot in islice(found, count)]


def explain_silence(cron_script: CronScript) -> str:
    """Say why a schedule has no slots to come."""
    if cron_script.spec.suspend:
        return "is suspended: its slots are skipped until its spec.suspend is false"
    return "does not fire within the next five years"


def describe_next(cron_script: CronScript, at: datetime, *, is_awaited: bool) -> str:
    """Say in a line when a CronScript fires next."""
    name, times = table.render_name(cron_script.metadata), list_times(cron_script, at, 1)
    if not times:
        return f"{name} {explain_silence(cron_script)}"
    return f"{name} fires next at {times[0]}{'' if is_awaited else '; --once does not wait for it'}"
