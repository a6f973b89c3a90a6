"""What a platform says of the requests of all scripts, by environment variables. Pure."""

import ssl
import urllib.parse
from collections.abc import Mapping

from scriptorium_api import address_ranges
from scriptorium_api.address_ranges import Network
from scriptorium_api.values import frozen

PRIVATE_CIDRS = "SCRIPTORIUM_HTTP_PRIVATE_CIDRS"
DENIED_ADDRESSES = "SCRIPTORIUM_HTTP_DENIED_ADDRESSES"
#: Not a rule of the platform: the kubelet tells each pod.
NODE_ADDRESSES = "SCRIPTORIUM_HTTP_NODE_ADDRESSES"
PROXY = "SCRIPTORIUM_HTTP_PROXY"
PROXY_RESOLVES = "SCRIPTORIUM_HTTP_PROXY_RESOLVES"
CA_BUNDLE = "SCRIPTORIUM_HTTP_CA_BUNDLE"

#: The kernel hands no program a variable of more than 128 KiB.
MAX_BUNDLE = 65536


class RuleUnfit(ValueError):
    """A variable has a value that makes no sense. The value is not shown: it may hold a password."""

    def __init__(self, variable: str, expectation: str) -> None:
        super().__init__(f"{variable} must be {expectation}")
        self.variable = variable
        self.expectation = expectation


@frozen(kw_only=True)
class HttpRules:
    """The same for the scripts of all namespaces."""

    private: tuple[Network, ...] = ()
    """`http.privateCIDRs`: private ranges that scripts may reach at hosts that they name in full."""
    denied: tuple[Network, ...] = ()
    """`http.deniedCIDRs`: never reached, whoever asks."""
    proxy: str | None = None
    """`http.proxy.url`: all that is not private goes through it."""
    proxy_resolves: bool = False
    """`http.proxy.resolves`: whether it is given names instead of addresses."""
    ca_bundle: str | None = None
    """`http.caBundle`: PEM certificates of authorities that are trusted besides the system's."""

    @property
    def proxy_place(self) -> tuple[str, int] | None:
        """Give host and port of the proxy."""
        if self.proxy is None:
            return None
        parts = urllib.parse.urlsplit(self.proxy)
        return parts.hostname or "", parts.port or 0


def read_http_rules(environment: Mapping[str, str]) -> HttpRules:
    """Read the rules; empty is as good as absent. Raises RuleUnfit."""
    return HttpRules(
        private=_read_private(environment),
        denied=_read_networks(environment, DENIED_ADDRESSES),
        proxy=_read_proxy(environment),
        proxy_resolves=_read_switch(environment),
        ca_bundle=_read_bundle(environment),
    )


def _read_private(environment: Mapping[str, str]) -> tuple[Network, ...]:
    networks = _read_networks(environment, PRIVATE_CIDRS)
    for network in networks:
        if not address_ranges.is_private(network):
            raise RuleUnfit(PRIVATE_CIDRS, f"private ranges only, and {network} is none")
    return networks


def _read_networks(environment: Mapping[str, str], variable: str) -> tuple[Network, ...]:
    try:
        return address_ranges.read_networks(environment.get(variable, ""))
    except ValueError as error:
        raise RuleUnfit(variable, f"addresses and ranges with commas between: {error}") from error


def _read_proxy(environment: Mapping[str, str]) -> str | None:
    text = environment.get(PROXY, "")
    if not text:
        return None
    try:
        parts = urllib.parse.urlsplit(text)
        is_proxy = parts.scheme == "http" and parts.hostname and parts.port and parts.path in ("", "/")
    except ValueError:
        is_proxy = False
    if not is_proxy:
        raise RuleUnfit(PROXY, "http://host:port, with user:password@ before the host if need be")
    return text


def _read_switch(environment: Mapping[str, str]) -> bool:
    text = environment.get(PROXY_RESOLVES) or "false"
    if text not in ("true", "false"):
        raise RuleUnfit(PROXY_RESOLVES, "true or false")
    return text == "true"


def _read_bundle(environment: Mapping[str, str]) -> str | None:
    text = environment.get(CA_BUNDLE, "")
    if not text.strip():
        return None
    try:
        if "PRIVATE KEY" in text or len(text) > MAX_BUNDLE:
            raise ssl.SSLError("it has a private key, or is too long")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        expectation = f"PEM certificates, without a private key and at most {MAX_BUNDLE} characters"
        raise RuleUnfit(CA_BUNDLE, expectation) from error
    return text
