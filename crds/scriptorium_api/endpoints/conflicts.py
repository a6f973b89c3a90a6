"""Who has a host, path and method that several Endpoints ask for: pure, for operator and runner alike.

The older has it: by creationTimestamp, then by UID. Within a namespace each method of each path is had for
itself, and paths are the same where they match the same, whatever their parameters are called. Across
namespaces a host is had as a whole, by the namespace of its oldest Endpoint. An Endpoint without a host meets
those of its own namespace alone. One that is suspended keeps what it has: a pause must not hand a URL on.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.paths import parse_pattern
from scriptorium_api.endpoints.traffic import Method
from scriptorium_api.values import frozen

#: Objects that no API server has stored come after all that it has.
_NEVER = datetime.max.replace(tzinfo=UTC)


@frozen
class Claim:
    """What one Endpoint alone can have."""

    namespace: str
    host: str | None
    path: str
    """The pattern's identity."""
    method: Method


@frozen
class Conflict:
    """What an Endpoint asked for in vain."""

    methods: tuple[Method, ...]
    """The methods that are another's, in the order of the manifest."""
    with_name: str | None
    """The oldest Endpoint that has one of them; None where it is in another namespace, whose names are nobody
    else's business."""


def find_winner(endpoints: Iterable[Endpoint]) -> Endpoint:
    """Give the one of several that has what all of them ask for; there must be one at least."""
    return min(endpoints, key=tell_age)


def tell_age(endpoint: Endpoint) -> tuple[datetime, str, str, str]:
    """Give what sorts Endpoints by age, the oldest first; the names tell those apart that have no UID."""
    metadata = endpoint.metadata
    return (metadata.creation_timestamp or _NEVER, metadata.uid, metadata.namespace, metadata.name)


def list_claims(endpoint: Endpoint) -> tuple[Claim, ...]:
    """Give what an Endpoint asks for, one claim for each of its methods."""
    path = parse_pattern(endpoint.spec.path).identity
    namespace, host = endpoint.metadata.namespace, endpoint.spec.host
    return tuple(Claim(namespace, host, path, method) for method in endpoint.spec.methods)


def share_out(endpoints: Iterable[Endpoint]) -> dict[Claim, Endpoint]:
    """Give who has what: of all namespaces if they are given together, else of one."""
    oldest_first = sorted(endpoints, key=tell_age)
    homes = _find_homes(oldest_first)
    owners: dict[Claim, Endpoint] = {}
    for each in oldest_first:
        if _is_at_home(each, homes):
            for claim in list_claims(each):
                owners.setdefault(claim, each)
    return owners


def judge(endpoints: Iterable[Endpoint]) -> Mapping[str, Conflict | None]:
    """Give for each Endpoint's UID what it asked for in vain; None where it has all of it."""
    known = tuple(endpoints)
    homes, owners = _find_homes(sorted(known, key=tell_age)), share_out(known)
    return {each.metadata.uid: _judge_one(each, homes, owners) for each in known}


def _judge_one(
    endpoint: Endpoint, homes: Mapping[str, str], owners: Mapping[Claim, Endpoint]
) -> Conflict | None:
    if not _is_at_home(endpoint, homes):
        return Conflict(tuple(endpoint.spec.methods), None)
    lost = {claim.method: owners[claim] for claim in list_claims(endpoint) if owners[claim] is not endpoint}
    return Conflict(tuple(lost), find_winner(lost.values()).metadata.name) if lost else None


def _find_homes(oldest_first: Iterable[Endpoint]) -> dict[str, str]:
    """Give the namespace that each host is of."""
    homes: dict[str, str] = {}
    for each in oldest_first:
        if each.spec.host is not None:
            homes.setdefault(each.spec.host, each.metadata.namespace)
    return homes


def _is_at_home(endpoint: Endpoint, homes: Mapping[str, str]) -> bool:
    host = endpoint.spec.host
    return host is None or homes[host] == endpoint.metadata.namespace
