"""What each Endpoint has of what it asks for: who is older, and what its namespace may have. Pure."""

import re
from collections.abc import Iterable, Mapping

from scriptorium_api.endpoints import conflicts
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_operator.endpoint_facts import Standing
from scriptorium_operator.endpoint_settings import HostRule

_REFUSED = Standing(is_allowed=False, is_served=False)


def judge(endpoints: Iterable[Endpoint], rules: Iterable[HostRule]) -> Mapping[str, Standing]:
    """Give the standing of each, by its UID; of one host they have to be given all, of every namespace.

    One whose host is not allowed takes it from nobody, however old it is.
    """
    known, rules = list(endpoints), tuple(rules)
    allowed = [each for each in known if is_allowed(rules, each.metadata.namespace, each.spec.host)]
    found = conflicts.judge(allowed)
    return {each.metadata.uid: _REFUSED for each in known} | {
        each.metadata.uid: _judge_one(each, found[each.metadata.uid]) for each in allowed
    }


def _judge_one(endpoint: Endpoint, conflict: conflicts.Conflict | None) -> Standing:
    is_served = conflict is None or len(conflict.methods) < len(endpoint.spec.methods)
    return Standing(conflict=conflict, is_served=is_served)


def is_allowed(rules: Iterable[HostRule], namespace: str, host: str | None) -> bool:
    """Say whether a namespace may have a host; without rules each may have any."""
    known = tuple(rules)
    if host is None or not known:
        return True
    return any(
        _matches_any(rule.namespaces, namespace) and any(_covers(each, host) for each in rule.hosts)
        for rule in known
    )


def _matches_any(pattern: str, name: str) -> bool:
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name))


def _covers(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
