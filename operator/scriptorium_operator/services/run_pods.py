"""Runs that have a pod of their own: their Jobs made, and the runs settled whose pods do not report."""

import logging

from scriptorium_api import cron_runs, time_limits
from scriptorium_api.execution import Isolation, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.script import Limits, Script
from scriptorium_operator.build import run_job, run_status
from scriptorium_operator.build.run_job import RunOrder
from scriptorium_operator.context import Context
from scriptorium_operator.decide import run_pods
from scriptorium_operator.facts import Key, Kind, RunPod
from scriptorium_operator.services import pools

log = logging.getLogger(__name__)

#: Until the namespace's pool is looked for again: it was asked for when the run was seen.
POOL_SECONDS = 1.0


async def reconcile(context: Context, key: Key) -> float | None:
    """Do what is to be done about the run's pod; gives after how many seconds to look again."""
    execution = await context.cluster.find_execution(key)
    if execution is None or execution.spec.isolation is not Isolation.POD:
        return None
    await _remove_former(context, execution)
    name, pod = await _find_pod(context, execution)
    # What a schedule's Script is nobody tells when that appears, so such a run is looked at now and then.
    is_of_schedule = execution.spec.cron_script_ref is not None
    execution = await _take_over(context, execution)
    script = await _find_script(context, execution)
    has_script = execution.spec.source is not None or (script is not None and not script.spec.suspend)
    can_start = has_script and context.settings.runner.runs_scripts
    decision = run_pods.decide_run(execution, pod, context.now(), can_start=can_start)
    match decision:
        case run_pods.Make():
            return await _make(context, execution, script, decision)
        case run_pods.Fail():
            await _fail(context, execution, decision)
            await _remove(context, execution, name, pod)
        case run_pods.Tell():
            await context.cluster.replace_status(
                execution, run_status.build_told(execution, decision.message).to_wire()
            )
            return run_pods.WAITING_SECONDS
        case run_pods.Remove():
            await _remove(context, execution, name, pod)
        case run_pods.Look():
            return decision.seconds
    is_pending = execution.status.phase is Phase.PENDING
    return run_pods.WAITING_SECONDS if is_of_schedule and is_pending else None


async def _take_over(context: Context, execution: ScriptExecution) -> ScriptExecution:
    """Give a run of what a schedule runs with the Script and limits of that one, if it is there."""
    reference = execution.spec.cron_script_ref
    if reference is None:
        return execution
    key = Key(Kind.CRON_SCRIPT, execution.metadata.namespace, reference.name)
    cron_script = await context.cluster.find_cron_script(key)
    return cron_runs.take_over(execution, cron_script) if cron_script else execution


async def _remove_former(context: Context, execution: ScriptExecution) -> None:
    """Remove what an operator left that ended between settling an attempt and removing its Job."""
    attempt = run_pods.find_unclaimed_attempt(execution)
    if attempt is not None:
        name = run_pods.name_job(execution, attempt)
        pod = await context.cluster.find_run_pod(execution.metadata.namespace, name)
        await _remove(context, execution, name, pod)


async def _find_pod(context: Context, execution: ScriptExecution) -> tuple[str, RunPod | None]:
    """Give the name of the Job that the next or present attempt is in, and what there is of it.

    The pod of a schedule's Job makes all attempts itself; only where it is lost, the next one has a pod from
    us.
    """
    namespace, schedules_job = execution.metadata.namespace, run_pods.find_schedules_job(execution)
    if schedules_job is not None:
        pod = await context.cluster.find_run_pod(namespace, schedules_job)
        if run_pods.has_pod_already(execution) or (pod is not None and not pod.is_over):
            return schedules_job, pod
    name = run_pods.name_job(execution, run_pods.find_attempt(execution))
    return name, await context.cluster.find_run_pod(namespace, name)


async def _find_script(context: Context, execution: ScriptExecution) -> Script | None:
    reference = execution.spec.script_ref
    if reference is None:
        return None
    return await context.cluster.find_script(Key(Kind.SCRIPT, execution.metadata.namespace, reference.name))


async def _make(
    context: Context, execution: ScriptExecution, script: Script | None, make: run_pods.Make
) -> float:
    place = await pools.find_place(context, execution.metadata.namespace)
    if place is None:
        return POOL_SECONDS
    order = RunOrder(
        execution=execution,
        attempt=make.attempt,
        limits=_find_limits(execution, script),
        start_seconds=make.start_seconds,
        values=tuple(sorted({each.ref for each in script.spec.env if each.ref})) if script else (),
    )
    await context.cluster.create(run_job.build_run_job(order, place))
    log.info("job made", extra=_fields(execution) | {"attempt": make.attempt})
    return run_pods.WAITING_SECONDS


def _find_limits(execution: ScriptExecution, script: Script | None) -> Limits:
    limits = script.spec.limits if script else execution.spec.limits or Limits()
    return limits.model_copy(update={"timeout_seconds": time_limits.find_timeout(execution, limits)})


async def _fail(context: Context, execution: ScriptExecution, fail: run_pods.Fail) -> None:
    status = run_status.build_failed(execution, fail.reason, fail.message, context.now(), context.chance())
    await context.cluster.replace_status(execution, status.to_wire())
    log.info("run settled for its pod", extra=_fields(execution) | {"reason": fail.reason.value})


async def _remove(context: Context, execution: ScriptExecution, name: str, pod: RunPod | None) -> None:
    """Remove a Job that is of no use any more."""
    if pod is not None and pod.job_uid is not None and run_pods.is_removable(execution, name, pod):
        await context.cluster.delete(Key(Kind.JOB, execution.metadata.namespace, name), pod.job_uid)


def _fields(execution: ScriptExecution) -> dict[str, object]:
    return {"namespace": execution.metadata.namespace, "object": execution.metadata.name}
