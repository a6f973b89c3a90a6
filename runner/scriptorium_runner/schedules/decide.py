"""What is known of a schedule when a slot's turn comes, and what of the verdict is done at once. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from scriptorium_api import cron_runs, schedule_problems, slot_facts, slot_records, slot_verdicts, slots
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import (
    ConcurrencyPolicy,
    CronScript,
    CronScriptSpec,
    Miss,
    MissedRuns,
)
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.schedule import read_schedule
from scriptorium_api.slot_facts import KnownRun
from scriptorium_api.slot_records import Recorded
from scriptorium_api.slot_verdicts import Facts, Verdict

_BEGIN = datetime.min


def gather(cron_script: CronScript, runs: Sequence[ScriptExecution], now: datetime) -> Facts | None:
    """Give what is known; None of a schedule that makes no sense, which the operator says in its status."""
    own = (_know(cron_script, run) for run in runs if cron_runs.is_run_of(run, cron_script))
    return slot_facts.gather(cron_script, own, now)


def _know(cron_script: CronScript, run: ScriptExecution) -> KnownRun:
    is_unfinished = not run.status.phase.is_terminal
    return KnownRun(
        name=run.metadata.name,
        slot=find_slot(run),
        is_unfinished=is_unfinished,
        is_late=is_unfinished and _is_late(cron_script, run),
    )


def _is_late(cron_script: CronScript, run: ScriptExecution) -> bool:
    is_by_pod = run.spec.fired_by is not None and run.spec.fired_by.job is not None
    created = run.metadata.creation_timestamp
    return cron_runs.is_late(cron_script, find_slot(run), created, is_by_pod=is_by_pod)


def find_slot(run: ScriptExecution) -> datetime | None:
    """Give the slot that a run is of; None if it was started by hand."""
    return run.spec.fired_by.scheduled_time if run.spec.fired_by else None


def list_unfinished(cron_script: CronScript, runs: Iterable[ScriptExecution]) -> list[ScriptExecution]:
    """Give the runs of this very CronScript that have not ended."""
    return [run for run in runs if cron_runs.is_run_of(run, cron_script) and not run.status.phase.is_terminal]


def may_be_old(spec: CronScriptSpec) -> bool:
    """Say whether runs may have been listed a moment before a slot is judged.

    Under Forbid one that began meanwhile is seen afterwards, and under Allow none matters. What is to be
    replaced, and what slots of an outage have to wait for, must be seen before.
    """
    is_replacing = spec.concurrency_policy is ConcurrencyPolicy.REPLACE
    return not is_replacing and spec.missed_runs is not MissedRuns.RUN_ALL


def is_made_by(run: ScriptExecution, firer: Firer) -> bool:
    """Say whether a Job made a run, so that its pod is the one to run it."""
    return run.spec.fired_by is not None and run.spec.fired_by.job == firer.name


def is_run_elsewhere(unfinished: Iterable[ScriptExecution], slot: datetime | None, firer: Firer) -> bool:
    """Say whether another than this Job sees to the slot: a Job may be started twice."""
    return any(
        slot is not None and find_slot(run) == slot and not is_made_by(run, firer) for run in unfinished
    )


def find_made(
    unfinished: Iterable[ScriptExecution], slot: datetime | None, firer: Firer
) -> ScriptExecution | None:
    """Give the run that a Job made before, and of which its pod may not have heard: nobody else runs it.

    That can be one of another slot than the Job's own, as long as nobody has begun with it.
    """
    made = [
        run
        for run in unfinished
        if is_made_by(run, firer) and (find_slot(run) == slot or run.status.phase is Phase.PENDING)
    ]
    return min(made, key=lambda run: _naive(find_slot(run)), default=None)


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
    by_former_terms = replace(
        facts,
        spec=former,
        schedule=read_schedule(former.schedule),
        zone=schedule_problems.find_zone(former.time_zone),
    )
    return slot_records.judge_former(by_former_terms, facts.spec)


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
    cron_script: CronScript,
    own: ScriptExecution,
    runs: Iterable[ScriptExecution],
    recorded: Recorded | None = None,
) -> ScriptExecution | None:
    """Give the run that a new one has to yield to under Forbid: two slots were judged at the same moment.

    Each that is not recorded first yields to who is. Where that is not known any more, or the other is no
    slot's, both see the other, since they look after their own run is made, and find the same to be first.
    """
    others = [run for run in list_unfinished(cron_script, runs) if run.metadata.uid != own.metadata.uid]
    if recorded is not None:
        if before := [run for run in others if recorded.is_after(find_slot(run))]:
            return min(before, key=_order)
        others = [run for run in others if not recorded.is_before(find_slot(run))]
    first = min((own, *others), key=_order)
    return first if first.metadata.uid != own.metadata.uid else None


def _order(run: ScriptExecution) -> tuple[bool, datetime, datetime, str]:
    created, slot = run.metadata.creation_timestamp, find_slot(run)
    # Who runs already is never the one to yield.
    is_new = not run.status.attempt
    return is_new, _naive(created), _naive(slot), run.metadata.uid


def _naive(moment: datetime | None) -> datetime:
    return moment.replace(tzinfo=None) if moment else _BEGIN
