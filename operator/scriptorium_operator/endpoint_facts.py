"""What the operator knows of Endpoints and their surroundings, as values."""

from typing import Final

from scriptorium_api import names
from scriptorium_api.endpoints.conflicts import Conflict
from scriptorium_api.env import ValueRef
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_operator.facts import Key, Kind, Problem

PROGRAMMED: Final = "Programmed"
CONFLICT: Final = "Conflict"


@frozen
class IngressPlace:
    """What the Endpoints of one Ingress have in common."""

    namespace: str
    host: str
    ingress_class: str
    """Empty for the cluster's default."""
    tls_secret: str
    """Empty for plain HTTP."""

    @property
    def key(self) -> Key:
        """Give the Ingress."""
        name = names.ingress_name(self.host, self.ingress_class, self.tls_secret)
        return Key(Kind.INGRESS, self.namespace, name)


@frozen
class IngressState:
    """An Ingress that is in place."""

    name: str
    addresses: tuple[str, ...] = ()
    """Where its controller has published it."""


@frozen
class Standing:
    """What an Endpoint has of what it asks for."""

    is_allowed: bool = True
    """Whether its namespace may have its host."""
    conflict: Conflict | None = None
    """What others have of it."""
    is_served: bool = True
    """Whether any request to its host and path is its own."""


@frozen(kw_only=True)
class PoolState:
    """What of a pool matters to those whom it serves."""

    is_serving: bool
    """Whether a runner pod is ready."""
    values: frozenset[ValueRef] = frozenset()
    """What every runner pod has mounted."""
    problem: str = ""
    """Why others cannot be mounted, and the cure."""


@frozen(kw_only=True)
class EndpointScene:
    """What was found of an Endpoint's surroundings."""

    standing: Standing
    script_name: str
    script: Script | None
    missing: tuple[str, ...] = ()
    """Scripts of its auth that are not there."""
    ingress: IngressState | None = None
    """None where it has no place in any."""
    pool: PoolState | None = None
    """None as long as there is none."""
    secrets: frozenset[ValueRef] = frozenset()
    """What its auth names."""
    problem: Problem | None = None
    """What keeps its Ingress or Script from being made, or requests from being judged."""


@frozen(kw_only=True)
class EndpointNews:
    """An Endpoint came into another state."""

    key: Key
    uid: str
    mark: str
    """What tells it from other news of the Endpoint."""
    is_good: bool
    reason: str
    message: str
