"""What an installation can choose of Endpoints."""

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scriptorium_operator.errors import SettingInvalid

INGRESS_CLASS = "SCRIPTORIUM_INGRESS_CLASS"
ALLOWED_HOSTS = "SCRIPTORIUM_ALLOWED_HOSTS"
FROM_NAMESPACES = "SCRIPTORIUM_ENDPOINTS_FROM"
FROM_CIDRS = "SCRIPTORIUM_ENDPOINTS_FROM_CIDRS"

#: The runners' own variable, handed on as it is.
TRUSTED_PROXIES = "SCRIPTORIUM_TRUSTED_PROXIES"

_NAMESPACE = re.compile(r"[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?")
_HOST = re.compile(r"[*]|([*][.])?[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class HostRule:
    """Which hosts the Endpoints of some namespaces may have."""

    namespaces: str
    """A namespace's name, in which * stands for any characters."""
    hosts: tuple[str, ...]
    """Names, *.example.com for all below example.com, or * for all."""


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """How Endpoints become Ingresses, and from where they are reached."""

    ingress_class: str = ""
    """The class of Ingresses whose Endpoint names none; empty for the cluster's default."""
    allowed_hosts: tuple[HostRule, ...] = ()
    """Without any, every namespace may have every host."""
    from_namespaces: tuple[str, ...] = ()
    """Whose pods reach the port of Endpoints; together with the next, none means everybody."""
    from_cidrs: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    """Whose word counts for who has sent a request."""


def read_endpoint_settings(environment: Mapping[str, str]) -> EndpointSettings:
    """Give the settings; raises SettingInvalid."""
    return EndpointSettings(
        ingress_class=environment.get(INGRESS_CLASS, "").strip(),
        allowed_hosts=_read_rules(environment),
        from_namespaces=_read_list(environment, FROM_NAMESPACES),
        from_cidrs=_read_networks(environment, FROM_CIDRS),
        trusted_proxies=_read_networks(environment, TRUSTED_PROXIES),
    )


def _read_list(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environment.get(name, "").split(",") if part.strip())


def _read_networks(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_network(part)) for part in _read_list(environment, name))
    except ValueError as error:
        raise SettingInvalid(name, "addresses and ranges such as 10.0.0.0/8, with commas between") from error


def _read_rules(environment: Mapping[str, str]) -> tuple[HostRule, ...]:
    text = environment.get(ALLOWED_HOSTS, "").strip()
    try:
        rules = json.loads(text) if text else {}
    except ValueError:
        rules = None
    if not isinstance(rules, dict) or not all(_is_rule(*rule) for rule in rules.items()):
        raise SettingInvalid(
            ALLOWED_HOSTS, 'a JSON object of lists, such as {"team-*": ["*.example.com"]}, with names and *'
        )
    return tuple(HostRule(namespaces, tuple(hosts)) for namespaces, hosts in sorted(rules.items()))


def _is_rule(namespaces: str, hosts: Any) -> bool:
    return (
        bool(_NAMESPACE.fullmatch(namespaces))
        and isinstance(hosts, list)
        and all(isinstance(host, str) and _HOST.fullmatch(host) for host in hosts)
    )
