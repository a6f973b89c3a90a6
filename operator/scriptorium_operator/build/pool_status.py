"""What a RunnerPool's status says."""

from datetime import datetime

from scriptorium_api import names
from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.runner_pool import RunnerPool, RunnerPoolStatus
from scriptorium_operator.facts import READY, RunnerCounts


def build_pool_status(pool: RunnerPool, counts: RunnerCounts, now: datetime) -> RunnerPoolStatus:
    """Give the status of a pool whose objects are in place."""
    return _build(pool, counts, _find_readiness(pool, counts), now)


def build_refused_status(pool: RunnerPool, refusal: str, now: datetime) -> RunnerPoolStatus:
    """Give the status of a pool whose objects the API server refuses; the counts stay as last known."""
    former = pool.status
    counts = RunnerCounts(pods=former.replicas, ready=former.ready)
    finding = Finding(type=READY, is_true=False, reason="Refused", message=refusal[:2048])
    return _build(pool, counts, finding, now)


def _build(pool: RunnerPool, counts: RunnerCounts, finding: Finding, now: datetime) -> RunnerPoolStatus:
    generation = pool.metadata.generation
    return RunnerPoolStatus(
        observed_generation=generation,
        replicas=counts.pods,
        ready=counts.ready,
        workers=counts.ready * pool.spec.workers_per_runner,
        selector=_render_selector(pool.metadata.name),
        conditions=merge_conditions(pool.status.conditions, [finding], generation, now),
    )


def _render_selector(pool: str) -> str:
    return ",".join(f"{key}={value}" for key, value in names.runner_selector(pool).items())


def _find_readiness(pool: RunnerPool, counts: RunnerCounts) -> Finding:
    wanted = pool.spec.replicas
    is_ready = counts.is_observed and counts.ready >= wanted and counts.updated >= wanted
    progress = f"{min(counts.ready, wanted)} of {wanted} runner pods take runs."
    if is_ready:
        return Finding(type=READY, is_true=True, reason="RunnersReady", message=progress)
    if counts.trouble:
        reason, message = counts.trouble
        return Finding(type=READY, is_true=False, reason=reason, message=f"{progress} {message}"[:2048])
    return Finding(type=READY, is_true=False, reason="RunnersStarting", message=progress)
