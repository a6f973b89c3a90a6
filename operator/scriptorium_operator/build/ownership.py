"""Whose the objects are that we make: they go when their owner goes."""

from scriptorium_api import names
from scriptorium_api.base import Metadata
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.facts import Manifest


def build_metadata(pool: RunnerPool) -> Manifest:
    """Give the metadata that all objects of a pool share: named for it, owned by it."""
    return {
        "name": names.pool_object_name(pool.metadata.name),
        "namespace": pool.metadata.namespace,
        "labels": names.runner_labels(pool.metadata.name),
        "ownerReferences": [build_owner("RunnerPool", pool.metadata)],
    }


def build_owner(kind: str, metadata: Metadata) -> Manifest:
    """Give the reference to an object of ours that owns another as its controller."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": kind,
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": True,
        # To block the owner's deletion would take the right to set its finalizers, for nothing.
        "blockOwnerDeletion": False,
    }
