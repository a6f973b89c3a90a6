"""Runs that have a pod of their own: their Jobs made, and the runs settled whose pods do not report."""

import logging

from scriptorium_api import names, time_limits
from scriptorium_api.execution import Isolation, ScriptExecution
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Limits, Script
from scriptorium_operator.build import run_job, run_status
from scriptorium_operator.build.run_job import RunOrder
from scriptorium_operator.build.runner_pod import Place, build_place
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
    script = await _find_script(context, execution)
    name = names.run_job_name(execution.metadata.uid, run_pods.find_attempt(execution))
    pod = await context.cluster.find_run_pod(key.namespace, name)
    has_script = execution.spec.script_ref is None or (script is not None and not script.spec.suspend)
    can_start = has_script and context.settings.runner.runs_scripts
    decision = run_pods.decide_run(execution, pod, context.now(), can_start=can_start)
    match decision:
        case run_pods.Make():
            return await _make(context, execution, script, decision)
        case run_pods.Fail():
            await _fail(context, execution, decision)
            await _remove(context, key.namespace, name, pod)
        case run_pods.Tell():
            await context.cluster.replace_status(
                execution, run_status.build_told(execution, decision.message).to_wire()
            )
            return run_pods.WAITING_SECONDS
        case run_pods.Remove():
            await _remove(context, key.namespace, name, pod)
        case run_pods.Look():
            return decision.seconds
    return None


async def _remove_former(context: Context, execution: ScriptExecution) -> None:
    """Remove what an operator left that ended between settling an attempt and removing its Job."""
    attempt = run_pods.find_unclaimed_attempt(execution)
    if attempt is not None:
        metadata = execution.metadata
        name = names.run_job_name(metadata.uid, attempt)
        pod = await context.cluster.find_run_pod(metadata.namespace, name)
        await _remove(context, metadata.namespace, name, pod)


async def _find_script(context: Context, execution: ScriptExecution) -> Script | None:
    reference = execution.spec.script_ref
    if reference is None:
        return None
    return await context.cluster.find_script(Key(Kind.SCRIPT, execution.metadata.namespace, reference.name))


async def _make(
    context: Context, execution: ScriptExecution, script: Script | None, make: run_pods.Make
) -> float:
    place = await _find_place(context, execution.metadata.namespace)
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


async def _find_place(context: Context, namespace: str) -> Place | None:
    """Give where the pod belongs, once all of its pool is there: the Deployment comes last."""
    pool = await context.cluster.find_pool(Key(Kind.RUNNER_POOL, namespace, names.DEFAULT_POOL))
    tenant = await context.cluster.find_tenant(namespace)
    if pool is None or tenant is None or not await _has_deployment(context, pool):
        return None
    return build_place(pool, tenant, await pools.find_api_server(context), context.settings)


async def _has_deployment(context: Context, pool: RunnerPool) -> bool:
    name = names.pool_object_name(pool.metadata.name)
    return await context.cluster.find(Key(Kind.DEPLOYMENT, pool.metadata.namespace, name)) is not None


async def _fail(context: Context, execution: ScriptExecution, fail: run_pods.Fail) -> None:
    status = run_status.build_failed(execution, fail.reason, fail.message, context.now(), context.chance())
    await context.cluster.replace_status(execution, status.to_wire())
    log.info("run settled for its pod", extra=_fields(execution) | {"reason": fail.reason.value})


async def _remove(context: Context, namespace: str, name: str, pod: RunPod | None) -> None:
    """Remove the Job of a pod that never started; one that ended stays a while for its log."""
    if pod is not None and pod.job_uid is not None and not pod.is_over:
        await context.cluster.delete(Key(Kind.JOB, namespace, name), pod.job_uid)


def _fields(execution: ScriptExecution) -> dict[str, object]:
    return {"namespace": execution.metadata.namespace, "object": execution.metadata.name}
