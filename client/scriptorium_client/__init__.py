"""A small Kubernetes client: what the operator and the runner both speak.

Objects go in and come out as raw manifests; models are made of them where they are used.
`docs/decisions/0002-kubernetes-client.md` says why it is our own.
"""

from scriptorium_client.client import Client
from scriptorium_client.config import Config, load_config
from scriptorium_client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unavailable,
)
from scriptorium_client.resources import Resource
from scriptorium_client.selection import Selection
from scriptorium_client.watch import Event, Synced, follow

__all__ = [
    "ApiError",
    "Client",
    "Config",
    "Conflict",
    "Event",
    "Forbidden",
    "Gone",
    "Invalid",
    "NotFound",
    "Resource",
    "Selection",
    "Synced",
    "Unavailable",
    "follow",
    "load_config",
]
