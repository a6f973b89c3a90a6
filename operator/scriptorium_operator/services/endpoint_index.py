"""All Endpoints, as the follower told of them: whom one meets on its host, and in its Ingress."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.paths import parse_pattern
from scriptorium_operator.endpoint_facts import IngressState
from scriptorium_operator.facts import Key

T = TypeVar("T")

#: Where Endpoints meet: a host of the cluster, or those without a host of a namespace.
_Host = tuple[str, str]

_Claims = tuple[object, ...]


class EndpointIndex:
    """Kept by host and by Ingress; a kilobyte or so of each Endpoint is kept."""

    def __init__(self) -> None:
        self._endpoints: dict[Key, Endpoint] = {}
        self._patterns: dict[Key, str] = {}
        self._ingress_of: dict[Key, Key] = {}
        self._by_host: defaultdict[_Host, set[Key]] = defaultdict(set)
        self._by_ingress: defaultdict[Key, set[Key]] = defaultdict(set)
        self._derived: defaultdict[_Host, dict[object, Any]] = defaultdict(dict)
        self.ingresses: set[Key] = set()
        """Ingresses that were told of."""
        self.states: dict[Key, IngressState] = {}
        """What was found last of each Ingress."""
        self.reasons: dict[Key, str] = {}
        """Why each Endpoint is ready or not, as this replica said last."""

    def clear(self) -> None:
        """Forget all Endpoints: they are about to be told again."""
        self._endpoints.clear()
        self._patterns.clear()
        self._derived.clear()
        self._ingress_of.clear()
        self._by_host.clear()
        self._by_ingress.clear()

    def note(self, key: Key, endpoint: Endpoint, ingress: Key | None) -> set[Key]:
        """Note an Endpoint as it is now, and its Ingress; gives all objects that this may concern."""
        former = self._endpoints.get(key)
        if former is not None and _claim(former) == _claim(endpoint):
            self._endpoints[key] = endpoint
            return set()
        concerned = self.forget(key)
        self._endpoints[key] = endpoint
        self._patterns[key] = parse_pattern(endpoint.spec.path).identity
        self._derived.pop(_find_host(endpoint), None)
        self._by_host[_find_host(endpoint)].add(key)
        if ingress is not None:
            self._by_ingress[ingress].add(key)
            self._ingress_of[key] = ingress
        return concerned | self._list_concerned(endpoint) | {key}

    def forget(self, key: Key) -> set[Key]:
        """Note that an Endpoint is gone; gives all objects that this may concern."""
        former = self._endpoints.get(key)
        if former is None:
            return set()
        concerned = self._list_concerned(former)
        del self._endpoints[key], self._patterns[key]
        self._derived.pop(_find_host(former), None)
        _discard(self._by_host, _find_host(former), key)
        ingress = self._ingress_of.pop(key, None)
        if ingress is None:
            return concerned - {key}
        _discard(self._by_ingress, ingress, key)
        return (concerned - {key}) | {ingress}

    def knows(self, key: Key, endpoint: Endpoint) -> bool:
        """Say whether an Endpoint asks for what was told of it last."""
        known = self._endpoints.get(key)
        return known is not None and _claim(known) == _claim(endpoint)

    def list_rivals(self, endpoint: Endpoint) -> list[Endpoint]:
        """Give all Endpoints of a host, or all without one of a namespace, the given one among them."""
        return [self._endpoints[key] for key in self._by_host.get(_find_host(endpoint), ())]

    def derive(self, endpoint: Endpoint, what: object, make: Callable[[], T]) -> T:
        """Give what follows from the Endpoints of a host alone: made once, until one of them changes."""
        derived = self._derived[_find_host(endpoint)]
        if what not in derived:
            derived[what] = make()
        found: T = derived[what]
        return found

    def list_members(self, ingress: Key) -> list[Key]:
        """Give the Endpoints that ask for a place in an Ingress."""
        return sorted(self._by_ingress.get(ingress, ()), key=lambda key: key.name)

    def find(self, key: Key) -> Endpoint:
        """Give an Endpoint that is known."""
        return self._endpoints[key]

    def list_all(self) -> Iterable[Key]:
        """Give all Endpoints."""
        return tuple(self._endpoints)

    def count_reasons(self) -> dict[str, int]:
        """Give how many Endpoints are ready, or not, for each reason."""
        return dict(Counter(self.reasons.values()))

    def _list_concerned(self, endpoint: Endpoint) -> set[Key]:
        """Give those who may win or lose something by a change of an Endpoint."""
        keys = self._by_host.get(_find_host(endpoint), set())
        namespaces = {key.namespace for key in keys} | {endpoint.metadata.namespace}
        if len(namespaces) > 1:
            # The whole host may pass to another namespace.
            return set(keys)
        pattern = parse_pattern(endpoint.spec.path).identity
        return {key for key in keys if self._patterns[key] == pattern}


def _find_host(endpoint: Endpoint) -> _Host:
    host = endpoint.spec.host
    return (host, "") if host is not None else ("", endpoint.metadata.namespace)


def _claim(endpoint: Endpoint) -> _Claims:
    spec, metadata = endpoint.spec, endpoint.metadata
    place = (spec.host, spec.ingress_class_name, spec.tls)
    return (metadata.uid, metadata.creation_timestamp, *place, spec.path, tuple(spec.methods))


def _discard(index: defaultdict[Any, set[Key]], place: object, key: Key) -> None:
    index[place].discard(key)
    if not index[place]:
        del index[place]
