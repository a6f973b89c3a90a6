"""Which Endpoint answers a request: pure.

Of the patterns that match a path the most specific that has the method answers: segment by segment from the
left a literal beats a parameter, and a parameter beats a wildcard. HEAD is answered by who has GET; OPTIONS
is nobody's, since everybody has it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from scriptorium_api.endpoints import conflicts
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.paths import Part, Pattern, parse_pattern
from scriptorium_api.values import frozen

Segments = tuple[str, ...]


@frozen
class Route:
    """The Endpoint that answers, and what its path's parameters stand for."""

    endpoint: Endpoint
    params: Mapping[str, str]


@frozen
class NoPath:
    """Nothing matches: 404."""


@frozen
class NoMethod:
    """Something matches and does not have the method: 405, or the answer to OPTIONS."""

    allow: tuple[str, ...]
    """The methods that would be answered, sorted."""


@frozen
class _Owner:
    endpoint: Endpoint
    pattern: Pattern


@dataclass(slots=True)
class _Node:
    """What follows the same beginning of a path; nobody changes it once it is built."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    owners: dict[str, _Owner] = field(default_factory=dict)
    """By method: who answers where a path ends here."""
    wildcard: dict[str, _Owner] = field(default_factory=dict)
    """By method: who answers for whatever follows."""


@frozen
class Router:
    """Who answers what. It never changes: a change of an Endpoint makes another."""

    _hosts: Mapping[str, _Node]
    _elsewhere: _Node
    """For every host that nobody names."""

    @classmethod
    def build(cls, endpoints: Iterable[Endpoint], *, ignore_hosts: bool = False) -> "Router":
        """Make a router for the Endpoints of a namespace; of those that ask for the same the older has it.

        A host that none of them names is answered by those without a host, with `ignore_hosts` by all. A
        suspended Endpoint answers nothing, but keeps its host and its claims from others.
        """
        known = tuple(endpoints)
        by_host: dict[str | None, list[Endpoint]] = {None: []}
        for each in known:
            by_host.setdefault(each.spec.host, []).append(each)
        elsewhere = known if ignore_hosts else by_host[None]
        hosts = {host: _plant(several) for host, several in by_host.items() if host is not None}
        return cls(hosts, _plant(elsewhere))

    def names(self, host: str) -> bool:
        """Say whether an Endpoint names this host."""
        return host in self._hosts

    def find(self, host: str, segments: Segments, method: str) -> Route | NoPath | NoMethod:
        """Find who answers: a host in lower case, a path as `canonical.read_path` gives it, a method."""
        root = self._hosts.get(host, self._elsewhere)
        asked = "GET" if method == "HEAD" else method
        allowed: set[str] = set()
        for owners in _list_matches(root, segments):
            if owner := owners.get(asked):
                return Route(owner.endpoint, _read_params(owner.pattern, segments))
            allowed.update(owners)
        return NoMethod(_list_allowed(allowed)) if allowed else NoPath()


def _plant(endpoints: Iterable[Endpoint]) -> _Node:
    """Build the tree of one host."""
    root = _Node()
    taken: set[tuple[str, str]] = set()
    for each in sorted(endpoints, key=conflicts.tell_age):
        pattern = parse_pattern(each.spec.path)
        for method in each.spec.methods:
            claim = (pattern.identity, method.value)
            if claim not in taken and not each.spec.suspend:
                _reach(root, pattern)[method.value] = _Owner(each, pattern)
            taken.add(claim)
    return root


def _reach(root: _Node, pattern: Pattern) -> dict[str, _Owner]:
    """Give the owners of a pattern, with the nodes on the way made."""
    node = root
    for segment in pattern.segments:
        match segment.part:
            case Part.WILDCARD:
                return node.wildcard
            case Part.PARAMETER:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            case Part.LITERAL:
                node = node.literals.setdefault(segment.text, _Node())
    return node.owners


def _list_matches(node: _Node, segments: Segments, depth: int = 0) -> Iterator[Mapping[str, _Owner]]:
    """Give the owners of each pattern that matches, the most specific first; none is without owners.

    Each node is on one way alone, so this takes no longer than there are nodes.
    """
    if depth == len(segments):
        if node.owners:
            yield node.owners
        # The rest of the root is empty as that of any path that ends with a slash is.
        if not segments and node.wildcard:
            yield node.wildcard
        return
    segment = segments[depth]
    if literal := node.literals.get(segment):
        yield from _list_matches(literal, segments, depth + 1)
    if segment and node.parameter:
        yield from _list_matches(node.parameter, segments, depth + 1)
    if node.wildcard:
        yield node.wildcard


def _read_params(pattern: Pattern, segments: Segments) -> dict[str, str]:
    params: dict[str, str] = {}
    for place, segment in enumerate(pattern.segments):
        if segment.part is Part.PARAMETER:
            params[segment.text] = segments[place]
        elif segment.part is Part.WILDCARD:
            params[segment.text] = "/".join(segments[place:])
    return params


def _list_allowed(methods: set[str]) -> tuple[str, ...]:
    more = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    return tuple(sorted(methods | more))
