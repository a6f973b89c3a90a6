"""CronScripts: their CronJobs and inline Scripts in place, and their status true."""

from dataclasses import replace

from scriptorium_api import cron_runs, names
from scriptorium_api.cron_script import CronScript, CronScriptStatus, Executor
from scriptorium_api.script import Limits, Script
from scriptorium_operator.build import cron_job, cron_status
from scriptorium_operator.build.cron_job import CronOrder
from scriptorium_operator.build.cron_status import Scene
from scriptorium_operator.context import Context
from scriptorium_operator.cron_facts import CronRun, Terms
from scriptorium_operator.decide import cron_accounts, cron_times, unrun_slots
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.errors import ClusterRefused
from scriptorium_operator.facts import Key, Kind, Manifest, Problem
from scriptorium_operator.gateways import reading
from scriptorium_operator.services import inline_scripts, objects, pools

#: Until the namespace's pool is looked for again: it was asked for when the CronScript was seen.
POOL_SECONDS = 1.0

#: Until it is looked again whether a CronJob that fires no more can go; so long it stays in any case, since
#: its controller may be about to tell of a Job that it has just made.
RETIRING_SECONDS = 15.0

_POOL_STARTING = Problem(
    "PoolStarting", "The RunnerPool is being made, whose account and policy the pods of runs have."
)


def observe(context: Context, cron_script: CronScript) -> None:
    """Take note of a CronScript as it is now, and see to it."""
    key = Key(Kind.CRON_SCRIPT, cron_script.metadata.namespace, cron_script.metadata.name)
    _remember(context, key, cron_script)
    _tell_news(context, key, cron_script)
    context.work.add(key)


def forget(context: Context, cron_script: CronScript) -> None:
    """Take note that a CronScript is gone."""
    _forget(context, Key(Kind.CRON_SCRIPT, cron_script.metadata.namespace, cron_script.metadata.name))


def _tell_news(context: Context, key: Key, cron_script: CronScript) -> None:
    """Count and announce slots that were not run, whoever has recorded them, but what was there at start."""
    uid, former = context.cron_runs.misses.get(key, ("", []))
    context.cron_runs.misses[key] = (cron_script.metadata.uid, cron_script.status.misses)
    if uid != cron_script.metadata.uid or not context.leadership.is_held:
        return
    for slots in unrun_slots.find_news(former, cron_script):
        context.metrics.count_unrun_slots(slots.miss.outcome, slots.miss.reason, slots.count)
        if unrun_slots.is_told(slots):
            context.outbox.put(slots)


def _remember(context: Context, key: Key, cron_script: CronScript) -> None:
    context.script_users.record(key, [cron_runs.find_script_name(cron_script)])
    limits = HistoryLimits(
        succeeded=cron_script.spec.successful_runs_history_limit,
        failed=cron_script.spec.failed_runs_history_limit,
    )
    context.history.set_limits(key, limits)
    context.history.set_judged(key, cron_script.status.accounted_until)


def _forget(context: Context, key: Key) -> None:
    context.script_users.forget(key)
    context.cron_runs.written.pop(key, None)
    context.cron_runs.misses.pop(key, None)
    context.cron_runs.retired.pop(key, None)
    context.history.set_limits(key, None)


async def reconcile(context: Context, key: Key) -> float | None:
    """Make what the schedule needs be there and its status be true; gives when to look again.

    Before all runs are told it waits: half of them would make the status say, for a moment, what is not so.
    The follower asks for every CronScript again when they are.
    """
    cron_script = await context.cluster.find_cron_script(key)
    if cron_script is None:
        _forget(context, key)
        return None
    _remember(context, key, cron_script)
    if Kind.EXECUTION not in context.inventory.in_sync:
        return None
    job = await context.cluster.find(_name_cron_job(key))
    is_own = job is not None and reading.is_owned_by(job, cron_script.metadata.uid)
    former = reading.read_terms(job) if job and is_own else None
    accounted = _account(context, key, cron_script, former)
    if accounted != cron_script.status and former != cron_accounts.find_terms(cron_script):
        # Written before the CronJob forgets by which terms it has fired; then all the rest.
        await context.cluster.replace_status(cron_script, accounted.to_wire())
        return 0.0
    try:
        await inline_scripts.put(context, Kind.CRON_SCRIPT, cron_script.metadata, cron_script.spec.script)
        scene = await _look(context, key, cron_script, accounted)
        if scene.problem is None and not await _put_cron_job(context, cron_script, scene.script, job):
            scene = replace(scene, problem=_POOL_STARTING)
    except ClusterRefused as refusal:
        scene = await _look(context, key, cron_script, accounted)
        await _record(context, key, cron_script, replace(scene, problem=Problem("Refused", str(refusal))))
        raise
    following = await _record(context, key, cron_script, scene)
    if is_own and cron_script.spec.executor is Executor.POOL:
        return RETIRING_SECONDS if following is None else min(following, RETIRING_SECONDS)
    return following


def _account(context: Context, key: Key, cron_script: CronScript, former: Terms | None) -> CronScriptStatus:
    if former is None:
        return cron_script.status
    runs = _list_runs(context, key, cron_script)
    known = [run.slot for run in runs if run.slot is not None]
    return cron_accounts.account(cron_script, former, known, context.now())


async def _look(context: Context, key: Key, cron_script: CronScript, accounted: CronScriptStatus) -> Scene:
    name = cron_runs.find_script_name(cron_script)
    found = cron_times.find_next_slot(cron_script.spec, context.now())
    return Scene(
        accounted=accounted,
        script_name=name,
        script=await context.cluster.find_script(Key(Kind.SCRIPT, key.namespace, name)),
        runs=_list_runs(context, key, cron_script),
        next_slot=None if isinstance(found, Problem) else found,
        problem=found if isinstance(found, Problem) else None,
    )


def _list_runs(context: Context, key: Key, cron_script: CronScript) -> list[CronRun]:
    """Give the runs of this very CronScript: those of a former one of its name may not be gone yet."""
    return [run for run in context.cron_runs.list_runs(key) if run.owner == cron_script.metadata.uid]


def _name_cron_job(key: Key) -> Key:
    return Key(Kind.CRON_JOB, key.namespace, names.cron_job_name(key.name))


async def _put_cron_job(
    context: Context, cron_script: CronScript, script: Script | None, live: Manifest | None
) -> bool:
    """Have the CronJob, or none if the pool runs the slots; says no as long as the pool is not there.

    One that is there when the pool takes over fires no more, and goes when its last Job has ended: all of
    its Jobs go with it, and with them the runs that go on.
    """
    metadata, is_retired = cron_script.metadata, cron_script.spec.executor is Executor.POOL
    key = Key(Kind.CRON_SCRIPT, metadata.namespace, metadata.name)
    if is_retired:
        if live is None or not reading.is_owned_by(live, metadata.uid):
            context.cron_runs.retired.pop(key, None)
            return True
        if reading.read_terms(live) is None and _is_at_rest(context, key, cron_script, live):
            await objects.remove_owned(context, metadata.uid, _name_cron_job(key))
            return True
    else:
        context.cron_runs.retired.pop(key, None)
    place = await pools.find_place(context, metadata.namespace)
    if place is None:
        return False
    order = CronOrder(
        cron_script=cron_script,
        limits=script.spec.limits if script else Limits(),
        values=tuple(sorted({each.ref for each in script.spec.env if each.ref})) if script else (),
        is_retired=is_retired,
    )
    await objects.put_over(context, cron_job.build_cron_job(order, place), live)
    return True


def _is_at_rest(context: Context, key: Key, cron_script: CronScript, live: Manifest) -> bool:
    """Say whether no Job of a CronJob that fires no more goes on."""
    since = context.cron_runs.retired.setdefault(key, context.now())
    if (context.now() - since).total_seconds() < RETIRING_SECONDS or reading.has_active_jobs(live):
        return False
    # Its controller does not count the Jobs that were made by hand.
    runs = _list_runs(context, key, cron_script)
    return not any(run.is_unfinished and run.job for run in runs)


async def _record(context: Context, key: Key, cron_script: CronScript, scene: Scene) -> float | None:
    """Write the status if it says something else, but not too often; gives when to look again."""
    now = context.now()
    status = cron_status.build_cron_status(cron_script, scene, now)
    if status != cron_script.status:
        written = context.cron_runs.written.get(key)
        pause = cron_times.find_pause(cron_script.status, status, written, now)
        if pause > 0:
            return pause
        await context.cluster.replace_status(cron_script, status.to_wire())
        context.cron_runs.written[key] = now
    if scene.problem is _POOL_STARTING:
        return POOL_SECONDS
    return cron_times.find_next_look(scene.next_slot, now, is_suspended=cron_script.spec.suspend)
