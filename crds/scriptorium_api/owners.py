"""Whose an object is that we make: it goes when its owner goes. Pure."""

from typing import Any

from scriptorium_api.base import Metadata
from scriptorium_api.names import API_VERSION


def build_owner(kind: str, metadata: Metadata) -> dict[str, Any]:
    """Give the reference to an object of ours that owns another as its controller."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": True,
        # To block the owner's deletion would take the right to set its finalizers, for nothing.
        "blockOwnerDeletion": False,
    }
