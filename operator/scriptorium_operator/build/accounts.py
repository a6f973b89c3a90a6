"""Who the runners of a pool are, and what they may do."""

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import ownership
from scriptorium_operator.facts import Manifest

_RBAC = "rbac.authorization.k8s.io"


def build_service_account(pool: RunnerPool) -> Manifest:
    """Give the account; a pod gets its token only where it asks for it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": ownership.build_metadata(pool),
        "automountServiceAccountToken": False,
    }


def build_role_binding(pool: RunnerPool) -> Manifest:
    """Give the binding of the chart's one role for runners, in this namespace only."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": ownership.build_metadata(pool),
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": names.RUNNER_ROLE},
        "subjects": [
            {
                "kind": "ServiceAccount",
                "name": names.pool_object_name(pool.metadata.name),
                "namespace": pool.metadata.namespace,
            }
        ],
    }
