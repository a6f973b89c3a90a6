"""Where scripts may get to, as a NetworkPolicy says it: the second lock, behind the runner's own."""

import ipaddress
from collections.abc import Iterable

from scriptorium_api import address_ranges
from scriptorium_api.address_ranges import NAT64, PLAIN, PRIVATE, REFUSED, Network
from scriptorium_api.http_rules import HttpRules
from scriptorium_operator.facts import Manifest

_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")


def build_http_egress(rules: HttpRules) -> list[Manifest]:
    """Give the rules: to private ranges that are open, and to public ones or, instead, the proxy."""
    outside = _build_public(rules) if rules.proxy_place is None else _build_proxy(*rules.proxy_place)
    own = _build_blocks(dict.fromkeys(rules.private), (*REFUSED, *rules.denied))
    return [*outside, *([{"to": own, "ports": [{"protocol": "TCP"}]}] if own else [])]


def _build_public(rules: HttpRules) -> list[Manifest]:
    refused = (*REFUSED, *PRIVATE, *rules.denied)
    wrapped = [address_ranges.wrap(each) for each in refused if isinstance(each, ipaddress.IPv4Network)]
    blocks = _build_blocks((*PLAIN, NAT64), (*refused, *wrapped))
    return [{"to": blocks, "ports": [{"protocol": "TCP"}]}] if blocks else []


def _build_proxy(host: str, port: int) -> list[Manifest]:
    ports = [{"protocol": "TCP", "port": port}]
    try:
        return [{"to": [{"ipBlock": {"cidr": str(ipaddress.ip_network(host))}}], "ports": ports}]
    except ValueError:
        # A policy knows no names; the proxy may be inside or outside of the cluster.
        return [{"to": _build_blocks((*PLAIN, _UNIQUE_LOCAL), REFUSED), "ports": ports}]


def _build_blocks(networks: Iterable[Network], refused: Iterable[Network]) -> list[Manifest]:
    """Give the networks without what is refused in them."""
    refused = tuple(refused)
    return [
        {"ipBlock": {"cidr": str(network)} | _build_except(network, refused)}
        for network in networks
        if not any(address_ranges.is_within(network, each) for each in refused)
    ]


def _build_except(network: Network, refused: Iterable[Network]) -> Manifest:
    holes = address_ranges.find_holes(network, refused)
    return {"except": [str(each) for each in holes]} if holes else {}
