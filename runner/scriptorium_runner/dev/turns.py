"""When the slots of a session's CronScripts come to their turn, and what an edit leaves of them. Pure."""

from collections.abc import Sequence
from datetime import datetime

from scriptorium_api import cron_runs, schedule_problems, slot_records, slots
from scriptorium_api.cron_script import CronScript, CronScriptSpec, CronScriptStatus
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.schedule import read_schedule
from scriptorium_api.slot_records import SUSPENDED_APART
from scriptorium_runner.schedules import decide
from scriptorium_runner.schedules.firing import Turn


def find_moment(cron_script: CronScript) -> datetime | None:
    """Give when the first slot that is not judged yet comes to its turn; None if there is none."""
    slot = _find_first_slot(cron_script)
    if slot is None:
        return None
    start = cron_runs.find_start(cron_script, slot)
    begun = cron_script.status.accounted_until
    return max(start, begun + SUSPENDED_APART) if cron_script.spec.suspend and begun else start


def build_turn(cron_script: CronScript, now: datetime) -> Turn:
    """Give the turn of a CronScript whose moment has come.

    Jitter is no delay: slots are judged as if they had come to their turn at their own time.
    """
    slot = _find_first_slot(cron_script)
    return Turn(now=now - (cron_runs.find_start(cron_script, slot) - slot) if slot else now)


def settle_edit(
    former: CronScript, spec: CronScriptSpec, runs: Sequence[ScriptExecution], now: datetime
) -> CronScriptStatus:
    """Give the status in which the former terms' slots until now are recorded that have no run."""
    facts = decide.gather(former, runs, now)
    return slot_records.add(former.status, slot_records.judge_former(facts, spec) if facts else ())


def _find_first_slot(cron_script: CronScript) -> datetime | None:
    spec, begun = cron_script.spec, cron_script.status.accounted_until
    zone = schedule_problems.find_zone(spec.time_zone)
    return slots.find_next(read_schedule(spec.schedule), zone, begun) if begun else None
