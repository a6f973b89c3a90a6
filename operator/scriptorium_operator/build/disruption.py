"""How many runners of a pool a drain of nodes may take at a time."""

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import ownership
from scriptorium_operator.facts import Manifest


def build_disruption_budget(pool: RunnerPool) -> Manifest:
    """Give the budget of a pool that has more than one runner."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": ownership.build_metadata(pool),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": names.runner_selector(pool.metadata.name)},
            # Runners that are not well must not hold up a drain: they take no runs.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
