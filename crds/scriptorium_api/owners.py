"""Whose an object is that we make: it goes when its owner goes. Pure."""

from typing import Any

from scriptorium_api.base import Metadata
from scriptorium_api.names import API_VERSION


def build_owner(kind: str, metadata: Metadata) -> dict[str, Any]:
    """Give the reference to an object of ours that owns another as its controller."""
    return build_shared_owner(kind, metadata) | {"controller": True}


def build_shared_owner(kind: str, metadata: Metadata) -> dict[str, Any]:
    """Give the reference to one of several that own an object, which goes with the last of them."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": metadata.name,
        "uid": metadata.uid,
        # To block the owner's deletion would take the right to set its finalizers, for nothing.
        "blockOwnerDeletion": False,
    }
