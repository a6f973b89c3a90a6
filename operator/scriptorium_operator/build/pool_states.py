"""What of a pool matters to those whom it serves."""

from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build.pool_status import is_replaced
from scriptorium_operator.endpoint_facts import PoolState
from scriptorium_operator.facts import PoolValues, RunnerCounts


def find_state(
    pool: RunnerPool, counts: RunnerCounts, values: PoolValues, former: PoolState | None
) -> PoolState:
    """Give the state; while pods are being replaced, all of them have what those of before had too."""
    wanted = frozenset(values.mounted)
    kept = former.values if former else frozenset()
    return PoolState(
        is_serving=counts.ready > 0,
        values=wanted if is_replaced(pool, counts) else wanted & kept,
        problem=values.problem,
    )
