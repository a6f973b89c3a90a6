"""Whose the objects are that we make: they go when their owner goes."""

from scriptorium_api import names, owners
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.facts import Manifest


def build_metadata(pool: RunnerPool) -> Manifest:
    """Give the metadata that all objects of a pool share: named for it, owned by it."""
    return {
        "name": names.pool_object_name(pool.metadata.name),
        "namespace": pool.metadata.namespace,
        "labels": names.runner_labels(pool.metadata.name),
        "ownerReferences": [owners.build_owner("RunnerPool", pool.metadata)],
    }
