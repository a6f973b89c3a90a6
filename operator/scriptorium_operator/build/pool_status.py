"""What a RunnerPool's status says."""

from datetime import datetime

from scriptorium_api import names
from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.runner_pool import RunnerPool, RunnerPoolStatus
from scriptorium_operator.facts import READY, SANDBOX_RELAXED, SECRETS_PENDING, PoolValues, RunnerCounts

_NO_VALUES = PoolValues()
_RELAXED = Finding(
    type=SANDBOX_RELAXED,
    is_true=True,
    reason="LandlockNotRequired",
    message="Scripts also run on nodes without Landlock: the chart's sandbox.requireLandlock is false.",
)


def build_pool_status(
    pool: RunnerPool,
    counts: RunnerCounts,
    now: datetime,
    values: PoolValues = _NO_VALUES,
    *,
    requires_landlock: bool = True,
) -> RunnerPoolStatus:
    """Give the status of a pool whose objects are in place."""
    findings = [
        _find_readiness(pool, counts),
        *_find_secrets_pending(pool, counts, values),
        *([] if requires_landlock else [_RELAXED]),
    ]
    return _build(pool, counts, findings, now)


def build_refused_status(pool: RunnerPool, refusal: str, now: datetime) -> RunnerPoolStatus:
    """Give the status of a pool whose objects the API server refuses; the counts stay as last known."""
    former = pool.status
    counts = RunnerCounts(pods=former.replicas, ready=former.ready)
    finding = Finding(type=READY, is_true=False, reason="Refused", message=refusal[:2048])
    return _build(pool, counts, [finding], now)


def _build(
    pool: RunnerPool, counts: RunnerCounts, findings: list[Finding], now: datetime
) -> RunnerPoolStatus:
    generation = pool.metadata.generation
    return RunnerPoolStatus(
        observed_generation=generation,
        replicas=counts.pods,
        ready=counts.ready,
        workers=counts.ready * pool.spec.workers_per_runner,
        selector=_render_selector(pool.metadata.name),
        conditions=merge_conditions(pool.status.conditions, findings, generation, now),
    )


def _render_selector(pool: str) -> str:
    return ",".join(f"{key}={value}" for key, value in names.runner_selector(pool).items())


def _find_secrets_pending(pool: RunnerPool, counts: RunnerCounts, values: PoolValues) -> list[Finding]:
    """Say whether runs may have to wait for values; nothing where nobody names any."""
    if values.problem:
        return [Finding(type=SECRETS_PENDING, is_true=True, reason="TooManyValues", message=values.problem)]
    if not values.mounted:
        return []
    if is_replaced(pool, counts):
        message = "All runner pods have the Secrets and ConfigMaps that Scripts name."
        return [Finding(type=SECRETS_PENDING, is_true=False, reason="Mounted", message=message)]
    message = (
        "Runner pods are being replaced; those of before may lack Secrets and ConfigMaps that Scripts name by"
        " now, and runs that need them wait."
    )
    return [Finding(type=SECRETS_PENDING, is_true=True, reason="RunnersStarting", message=message)]


def is_replaced(pool: RunnerPool, counts: RunnerCounts) -> bool:
    """Say whether no pod of before is left: one of those that are ready may be such a one."""
    return _is_rolled_out(pool, counts) and counts.pods == counts.updated


def _is_rolled_out(pool: RunnerPool, counts: RunnerCounts) -> bool:
    wanted = pool.spec.replicas
    return counts.is_observed and counts.ready >= wanted and counts.updated >= wanted


def _find_readiness(pool: RunnerPool, counts: RunnerCounts) -> Finding:
    wanted = pool.spec.replicas
    is_ready = _is_rolled_out(pool, counts)
    progress = f"{min(counts.ready, wanted)} of {wanted} runner pods take runs."
    if is_ready:
        return Finding(type=READY, is_true=True, reason="RunnersReady", message=progress)
    if counts.trouble:
        reason, message = counts.trouble
        return Finding(type=READY, is_true=False, reason=reason, message=f"{progress} {message}"[:2048])
    return Finding(type=READY, is_true=False, reason="RunnersStarting", message=progress)
