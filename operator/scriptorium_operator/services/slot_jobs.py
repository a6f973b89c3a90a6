"""The Jobs of schedules whose pods do not start: their slots are judged for them, so that it is told why.

A slot that gets a run here is no different from others: its pod takes the run if it starts after all, and
until then the run tells what keeps the pod, or ends for it, as every run does that has a pod of its own.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum

from scriptorium_api import cron_runs, ending, names, slot_verdicts
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import CronScript, Miss
from scriptorium_operator.context import Context
from scriptorium_operator.cron_facts import FiredJob
from scriptorium_operator.decide import cron_accounts, slot_jobs
from scriptorium_operator.decide.slot_jobs import Plan
from scriptorium_operator.errors import ClusterRefused, NoRoom, Outdated, Vanished
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.gateways import reading

log = logging.getLogger(__name__)


class Outcome(Enum):
    """What was done for a Job."""

    DONE = "its run is there, or nothing can be"
    NOT_RUN = "its slot is not run"
    WAITS = "its slot waits"


async def reconcile(context: Context, key: Key) -> float | None:
    """See to the Jobs of a CronJob, in the order of their slots; gives after how many seconds to look again.

    Most have their run by the time that they are looked at, which costs no request. Before all runs are told
    it waits: the follower asks for every CronJob when they are.
    """
    if Kind.EXECUTION not in context.inventory.in_sync:
        return None
    for job in context.fired_jobs.list_jobs(key):
        if slot_jobs.has_run(job, context.cron_runs.list_runs(job.cron_script)):
            context.fired_jobs.settle(job)
        elif context.fired_jobs.is_due(job, context.now()):
            await _see_to(context, job)
    following = context.fired_jobs.find_next(key)
    return None if following is None else max(1.0, (following - context.now()).total_seconds())


async def _see_to(context: Context, job: FiredJob) -> None:
    cron_script = await context.cluster.find_cron_script(job.cron_script)
    if cron_script is None or slot_jobs.is_settled(job, cron_script):
        context.fired_jobs.settle(job)
        return
    pod = await context.cluster.find_run_pod(job.key.namespace, job.key.name)
    match slot_jobs.decide_job(job, cron_script, pod, context.now()):
        case slot_jobs.Settle():
            context.fired_jobs.settle(job)
        case slot_jobs.Look(seconds):
            _postpone(context, job, seconds)
        case slot_jobs.Judge(is_over):
            await _attempt(context, cron_script, job, is_over=is_over)


def _postpone(context: Context, job: FiredJob, seconds: float) -> None:
    context.fired_jobs.postpone(job, context.now() + timedelta(seconds=seconds))


async def _attempt(context: Context, cron_script: CronScript, job: FiredJob, *, is_over: bool) -> None:
    """Judge for a Job; what is refused for one must not hold up those after it."""
    try:
        outcome = await _judge(context, cron_script, job)
    except ClusterRefused as refusal:
        log.warning("no run for a slot", extra=_fields(job) | {"error": str(refusal)})
        outcome = Outcome.WAITS
    if outcome is Outcome.WAITS:
        _postpone(context, job, slot_jobs.HELD_UP_SECONDS)
        return
    context.fired_jobs.settle(job)
    if outcome is Outcome.NOT_RUN and not is_over:
        # Its pod would come for nothing, and until then takes the place of others.
        with suppress(Vanished):
            await context.cluster.delete(job.key, job.uid)


async def _judge(context: Context, cron_script: CronScript, job: FiredJob) -> Outcome:
    """Do for the Job what its pod would have done."""
    if job.slot is None:
        await _make_run(context, cron_script, job, None)
        return Outcome.DONE
    if await _is_edited(context, cron_script, job):
        # What its former terms left is recorded first, this slot with it, before the CronJob forgets them.
        context.work.add(job.cron_script)
        return Outcome.WAITS
    # Read after the CronScript: who judged before that was read has made its runs by then.
    runs = await context.cluster.list_cron_runs(cron_script)
    plan = slot_jobs.plan(cron_script, runs, job)
    if plan is None or slot_jobs.has_run(job, runs):
        # Its pod may have started meanwhile, and made the run.
        return Outcome.DONE
    missed = await _run(context, cron_script, job, plan) if plan.run else None
    misses = (*plan.misses, missed) if missed else plan.misses
    status = slot_jobs.record(cron_script, misses, plan.accounted_until)
    if status != cron_script.status:
        try:
            await context.cluster.replace_status(cron_script, status.to_wire())
        except Outdated:
            # Somebody else judged slots meanwhile; what is left of this one is looked at again.
            if plan.run and not missed:
                await _give_way(context, cron_script, job, plan.run)
            raise
        log.info(
            "slots judged for a pod", extra=_fields(job) | {"notRun": sum(each.count for each in misses)}
        )
    if plan.run and not missed:
        return Outcome.DONE
    return Outcome.WAITS if plan.leaves_others else Outcome.NOT_RUN


async def _is_edited(context: Context, cron_script: CronScript, job: FiredJob) -> bool:
    """Say whether the CronJob fires by other terms than the schedule has now."""
    live = await context.cluster.find(job.cron_job)
    if live is None or not reading.is_owned_by(live, cron_script.metadata.uid):
        return False
    former = reading.read_terms(live)
    return former is not None and former != cron_accounts.find_terms(cron_script)


async def _run(context: Context, cron_script: CronScript, job: FiredJob, plan: Plan) -> Miss | None:
    """Make the planned run in the place of those that it replaces; gives what is to be recorded instead."""
    assert plan.run is not None, "asked for a run that is not planned"  # noqa: S101
    name = names.slot_run_name(cron_script.metadata.name, plan.run)
    for replaced in plan.replaces:
        await _replace(context, Key(Kind.EXECUTION, job.key.namespace, replaced), name)
    try:
        await _make_run(context, cron_script, job, plan.run)
    except NoRoom as full:
        if plan.leaves_others:
            # It is not counted before those are; by then there may be room.
            raise
        return slot_verdicts.build_refused(plan.run, str(full))
    return None


async def _give_way(context: Context, cron_script: CronScript, job: FiredJob, slot: datetime) -> None:
    """End the run that was made, where another was recorded first beside which it must not go on."""
    current = await context.cluster.find_cron_script(job.cron_script)
    if current is None:
        return
    runs = await context.cluster.list_cron_runs(current)
    first = slot_jobs.find_first(cron_script, current, runs, slot)
    name = names.slot_run_name(cron_script.metadata.name, slot)
    own = await context.cluster.find_execution(Key(Kind.EXECUTION, job.key.namespace, name))
    if first is None or own is None or own.status.phase.is_terminal:
        return
    with suppress(Vanished):
        await context.cluster.replace_status(own, ending.build_yield(own, first.name).to_wire())


async def _make_run(context: Context, cron_script: CronScript, job: FiredJob, slot: datetime | None) -> None:
    """Make the run that the Job's pod would make, if it has not; raises ClusterRefused if it cannot be."""
    manifest = cron_runs.build_run(cron_script, slot, Firer(job.key.name, job.uid))
    key = Key(Kind.EXECUTION, job.key.namespace, manifest["metadata"]["name"])
    try:
        await context.cluster.create(manifest)
    except Outdated:
        found = await context.cluster.find_execution(key)
        if found is None:
            # Many who create at once get in each other's way where a quota is counted.
            raise
        if not cron_runs.is_run_of(found, cron_script):
            told = f"ScriptExecution {key.name} is another's; delete it to have the slot run"
            raise ClusterRefused(told) from None
        return
    log.info("run made for a pod that does not start", extra=_fields(job) | {"run": key.name})


async def _replace(context: Context, key: Key, by: str) -> None:
    """Have a run cancelled for that of a later slot: whoever holds it sees that in its status."""
    execution = await context.cluster.find_execution(key)
    if execution is None or execution.status.phase.is_terminal or execution.status.replaced_by is not None:
        return
    status = execution.status.model_copy(update={"replaced_by": by})
    with suppress(Vanished):
        await context.cluster.replace_status(execution, status.to_wire())


def _fields(job: FiredJob) -> dict[str, object]:
    slot = job.slot.isoformat() if job.slot else None
    return {"namespace": job.key.namespace, "object": job.cron_script.name, "job": job.key.name, "slot": slot}
