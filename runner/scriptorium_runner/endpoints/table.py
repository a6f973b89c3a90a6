"""What is served at one moment: a value, so that a request sees one state from its beginning to its end."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.auth.ports import Secrets
from scriptorium_runner.endpoints.calls import Headers
from scriptorium_runner.endpoints.concurrency import Gate
from scriptorium_runner.endpoints.routing import Router
from scriptorium_runner.endpoints.schemas import SchemaSet
from scriptorium_runner.executions.sandbox import Prepared


@frozen
class Work:
    """The Script that answers, ready to run."""

    prepared: Prepared
    uid: str
    name: str
    hash: str
    version: int | None
    context: Mapping[str, dict[str, Any]]
    """What ctx has alike for all requests."""


@frozen(kw_only=True)
class Entry:
    """One Endpoint, with all that its requests need."""

    endpoint: Endpoint
    work: Work | None
    obstacle: str = ""
    """Why no script answers, for the log; who calls is not told."""
    deciders: Mapping[str, Work | str] = field(default_factory=dict)
    """The Scripts that decide who may call, or why they cannot."""
    gate: Gate | None = None
    schemas: SchemaSet = field(default_factory=SchemaSet)
    headers: Headers = ()
    max_body: int
    secrets: Secrets


@frozen
class Table:
    """All Endpoints of a runner."""

    router: Router = field(default_factory=lambda: Router.build(()))
    entries: Mapping[str, Entry] = field(default_factory=dict)
    """By the Endpoint's UID."""
