"""What runners are told of the requests of scripts."""

from collections.abc import Iterable

from scriptorium_api import http_rules
from scriptorium_api.http_rules import HttpRules
from scriptorium_operator.facts import Address, Manifest


def build_http_environment(rules: HttpRules, api_server: Iterable[Address]) -> list[Manifest]:
    """Give the variables; a runner without the first two does not start."""
    denied = dict.fromkeys([*(each.ip for each in api_server), *map(str, rules.denied)])
    values = {
        http_rules.PRIVATE_CIDRS: ",".join(map(str, rules.private)),
        http_rules.PROXY: rules.proxy,
        http_rules.PROXY_RESOLVES: "true" if rules.proxy_resolves else "",
        http_rules.CA_BUNDLE: rules.ca_bundle,
    }
    return [
        {
            "name": http_rules.NODE_ADDRESSES,
            "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}},
        },
        {"name": http_rules.DENIED_ADDRESSES, "value": ",".join(sorted(denied))},
        *({"name": name, "value": value} for name, value in values.items() if value),
    ]
