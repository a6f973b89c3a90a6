"""What is known of a schedule when a slot's turn comes, whoever gathers it. Pure."""

from collections.abc import Iterable
from datetime import datetime

from scriptorium_api import schedule_problems
from scriptorium_api.cron_script import CronScript
from scriptorium_api.schedule import read_schedule
from scriptorium_api.slot_verdicts import Facts
from scriptorium_api.values import frozen


@frozen(kw_only=True)
class KnownRun:
    """A run of a CronScript, as far as its slots are judged by it."""

    name: str
    slot: datetime | None
    """None for one that was started by hand."""
    is_unfinished: bool
    is_late: bool
    """Whether it is of a slot that an outage had held up; asked of those that have not ended."""


def gather(cron_script: CronScript, runs: Iterable[KnownRun], now: datetime) -> Facts | None:
    """Give what is known; None of a schedule that makes no sense, which the operator says in its status."""
    if schedule_problems.find_problem(cron_script.spec):
        return None
    begun = cron_script.status.accounted_until or cron_script.metadata.creation_timestamp or now
    known = list(runs)
    unfinished = [run for run in known if run.is_unfinished]
    return Facts(
        spec=cron_script.spec,
        schedule=read_schedule(cron_script.spec.schedule),
        zone=schedule_problems.find_zone(cron_script.spec.time_zone),
        now=now,
        accounted_until=begun,
        known=frozenset(run.slot for run in known if run.slot and run.slot > begun),
        active=tuple(run.name for run in unfinished),
        is_catching_up=any(run.is_late for run in unfinished),
    )
