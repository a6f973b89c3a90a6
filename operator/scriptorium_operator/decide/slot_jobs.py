"""Whether a schedule's Job has to be judged for, since its pod does not start, and to what it comes. Pure.

What a slot comes to is for its pod to say. But a pod whose image is missing, for which there is no room, or
that was evicted before it could judge says nothing, and without a run there is nothing that would tell why.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from scriptorium_api import cron_runs, names, slot_facts, slot_records, slot_verdicts
from scriptorium_api.cron_script import ConcurrencyPolicy, CronScript, CronScriptStatus, Executor, Miss
from scriptorium_api.slot_facts import KnownRun
from scriptorium_api.slot_records import Recorded
from scriptorium_api.slot_verdicts import Facts, Verdict
from scriptorium_api.values import frozen
from scriptorium_operator.cron_facts import CronRun, FiredJob
from scriptorium_operator.facts import RunPod

#: A pod that starts as it should has judged its slot by then, so its Job is not looked at.
FIRST_LOOK = timedelta(seconds=10)

#: A pod that has not begun by then is judged for, as well as it may be: whoever is fired next, a minute later
#: at the earliest, would take its slot for one that nobody had fired.
BEGINNING = timedelta(seconds=40)

#: Until the Job of a pod is looked at again that is on its way, and of one that is held up.
WAITING_SECONDS, HELD_UP_SECONDS = 10.0, 30.0

#: The same of a pod that runs: it waits for its turn, or for another run. Its Job tells when it ends.
RUNNING_SECONDS = 300.0


@frozen
class Judge:
    """Its pod does not judge the slot: that has to be done for it."""

    is_over: bool
    """The pod will not come any more either."""


@frozen
class Look:
    """Nothing to do for so many seconds, if the Job does not change."""

    seconds: float


@frozen
class Settle:
    """Nothing is to be done for this Job any more."""


Decision = Judge | Look | Settle


def has_run(job: FiredJob, runs: Iterable[CronRun]) -> bool:
    """Say whether there is the run that the Job is for, whoever made it."""
    if job.slot is None:
        name = names.hand_run_name(job.cron_script.name, job.uid)
        return any(run.name == name for run in runs)
    return any(run.slot == job.slot for run in runs)


def is_settled(job: FiredJob, cron_script: CronScript) -> bool:
    """Say whether nothing is to be done about the Job, whatever became of its pod."""
    return not _is_ours(job, cron_script) or _is_judged(job, cron_script.status)


def _is_ours(job: FiredJob, cron_script: CronScript) -> bool:
    """Say whether the Job can be the CronScript's as it is now: others can make Jobs too, and they stay."""
    created = cron_script.metadata.creation_timestamp
    # A slot of the future would have all before it judged that have not come yet.
    is_due = job.slot is None or job.slot - job.created <= slot_verdicts.ON_TIME
    is_later = created is None or created <= job.created
    return cron_script.spec.executor is Executor.JOB and is_due and is_later


def _is_judged(job: FiredJob, status: CronScriptStatus) -> bool:
    """Say whether the status tells what became of the Job's slot, or at least that it was judged."""
    slot, until = job.slot, status.accounted_until
    if slot is None:
        return False
    if until is not None and slot <= until:
        return True
    return any(
        miss.scheduled_time <= slot <= (miss.last_scheduled_time or miss.scheduled_time)
        for miss in status.misses
    )


def decide_job(job: FiredJob, cron_script: CronScript, pod: RunPod | None, now: datetime) -> Decision:
    """Say what to do about a Job whose slot nobody has judged yet, given what there is of it.

    One that has ended well had nothing to do, as its pod found; of one that is gone nothing can be told, and
    whoever is fired next judges its slot too.
    """
    if pod is None or (pod.is_over and pod.trouble is None):
        return Settle()
    if pod.is_over:
        return Judge(is_over=True)
    if pod.is_running:
        return Look(RUNNING_SECONDS)
    start, pause = _find_start(job, cron_script), HELD_UP_SECONDS
    if pod.trouble is None:
        start, pause = max(start, job.created + BEGINNING), WAITING_SECONDS
    early = (start - now).total_seconds()
    return Look(min(early, pause)) if early > 0 else Judge(is_over=False)


def _find_start(job: FiredJob, cron_script: CronScript) -> datetime:
    return job.created if job.slot is None else cron_runs.find_start(cron_script, job.slot)


@frozen(kw_only=True)
class Plan:
    """What a Job's slot comes to."""

    run: datetime | None = None
    """The slot whose run is to be made."""
    replaces: tuple[str, ...] = ()
    misses: tuple[Miss, ...] = ()
    accounted_until: datetime
    leaves_others: bool = False
    """There are slots that are not judged by it: they wait for the end of a run."""


def plan(cron_script: CronScript, runs: Iterable[CronRun], job: FiredJob) -> Plan | None:
    """Say what is to be done about the Job's slot, as its pod would; None if the schedule makes no sense."""
    facts = _gather(cron_script, runs, job)
    if facts is None or job.slot is None:
        return None
    verdict = slot_verdicts.judge_fired(facts, job.slot)
    return _take_one(verdict, facts, job.slot) if verdict.runs else _leave(verdict)


def _gather(cron_script: CronScript, runs: Iterable[CronRun], job: FiredJob) -> Facts | None:
    known = (
        KnownRun(
            name=run.name,
            slot=run.slot,
            is_unfinished=run.is_unfinished,
            is_late=cron_runs.is_late(cron_script, run.slot, run.created, is_by_pod=True),
        )
        for run in runs
    )
    return slot_facts.gather(cron_script, known, job.created)


def _leave(verdict: Verdict) -> Plan:
    misses, until = verdict.misses, verdict.accounted_until
    return Plan(misses=misses, accounted_until=until, leaves_others=verdict.is_waiting)


def _take_one(verdict: Verdict, facts: Facts, slot: datetime) -> Plan:
    """Of the slots of an outage take the Job's own: its pod, should it still start, finds no other.

    Those are judged by whoever is fired next; until then the status does not count them.
    """
    chosen = slot if slot in verdict.runs else verdict.runs[-1]
    others = [each for each in verdict.runs if each != chosen]
    until = (
        max(facts.accounted_until, others[0] - timedelta(seconds=1)) if others else verdict.accounted_until
    )
    return Plan(
        run=chosen,
        replaces=verdict.replaces,
        misses=verdict.misses,
        accounted_until=until,
        leaves_others=bool(others),
    )


def find_first(
    known: CronScript, current: CronScript, runs: Iterable[CronRun], slot: datetime
) -> CronRun | None:
    """Give the run that comes before the one that was made for a slot, and could not be recorded.

    That is one of another slot that was recorded since `known`, where only one may go on.
    """
    since, until = known.status.accounted_until, current.status.accounted_until
    since = since or known.metadata.creation_timestamp
    if current.spec.concurrency_policy is not ConcurrencyPolicy.FORBID or since is None or until is None:
        return None
    recorded = Recorded(since, until)
    return next(
        (run for run in runs if run.is_unfinished and run.slot != slot and recorded.is_after(run.slot)), None
    )


def record(cron_script: CronScript, misses: tuple[Miss, ...], until: datetime) -> CronScriptStatus:
    """Give the status with this written down; as it is, if there is nothing to write."""
    status = slot_records.add(cron_script.status, misses)
    known = cron_script.status.accounted_until or cron_script.metadata.creation_timestamp
    if known is not None and until <= known:
        return status
    return status.model_copy(update={"accounted_until": until})
