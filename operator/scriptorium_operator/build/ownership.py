"""What all objects of a pool have in common."""

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.facts import Manifest


def build_metadata(pool: RunnerPool) -> Manifest:
    """Give the metadata that all objects of a pool share: named for it, owned by it."""
    return {
        "name": names.pool_object_name(pool.metadata.name),
        "namespace": pool.metadata.namespace,
        "labels": names.runner_labels(pool.metadata.name),
        "ownerReferences": [
            {
                "apiVersion": names.API_VERSION,
                "kind": "RunnerPool",
                "name": pool.metadata.name,
                "uid": pool.metadata.uid,
                "controller": True,
                # To block the owner's deletion would take the right to set its finalizers, for nothing.
                "blockOwnerDeletion": False,
            }
        ],
    }
