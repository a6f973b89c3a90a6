"""The hosts that a Script may call, as its manifest writes them: pure, for the model and the runner alike.

    api.example.com        exactly this host, at the default port of the URL's scheme
    *.example.com          every host below example.com, however deep; example.com itself is not
    api.example.com:8443   this host at this port alone
    10.1.2.3, [fd00::1]    an address, in its canonical form

A pattern is written as it is compared: ASCII, lower case, no dot at the end. What could be read in two ways
is refused, so that a review of the manifest shows what is granted.
"""

import ipaddress
import re
from dataclasses import dataclass

#: The longest name that DNS can carry.
MAX_HOST = 253

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
#: A last label like these makes some programs read the whole name as an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class HostPattern:
    """One host, or all hosts below one, at the default ports or at one port."""

    host: str
    """Canonical; an IPv6 address without its brackets."""
    port: int | None = None
    is_wildcard: bool = False

    def matches(self, host: str, port: int, default_port: int) -> bool:
        """Say whether a canonical host is named, at a port, where `default_port` need not be written."""
        if port != (default_port if self.port is None else self.port):
            return False
        return host.endswith(f".{self.host}") if self.is_wildcard else host == self.host


def parse_host_pattern(text: str) -> HostPattern:
    """Read a pattern; raises ValueError, whose message says what to write instead."""
    if not text.isascii() or text != text.lower():
        raise ValueError(f"{text!r} must be in lower case; write names in other alphabets as xn--...")
    for sign, cure in (("/", "without scheme and path"), ("@", "without a user"), ("%", "without escapes")):
        if sign in text:
            raise ValueError(f"{text!r} must be a host {cure}, such as api.example.com")
    name, port = _split_port(text)
    if name.startswith("["):
        return HostPattern(str(_read_ipv6(name)), port)
    is_wildcard = name.startswith("*.")
    host = name.removeprefix("*.")
    if is_wildcard:
        _check_wildcard(text, host)
    if problem := find_host_problem(host):
        raise ValueError(f"{text!r} {problem}")
    if address := read_ipv4(host):
        _check_address(text, address)
    return HostPattern(host, port, is_wildcard)


def find_host_problem(host: str) -> str | None:
    """Say what keeps a text in lower case from being a host's name or IPv4 address; None if nothing does."""
    if not host or len(host) > MAX_HOST:
        return f"must have a host of 1 to {MAX_HOST} characters"
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "must be letters, digits, - and _ between dots; * only at the start, as in *.example.com"
    if _NUMBER.fullmatch(labels[-1]):
        return None if read_ipv4(host) else "ends in a number and is no IPv4 address such as 192.0.2.1"
    if len(labels) == 1:
        return "must be a full name, with a dot, such as orders.shop.svc.cluster.local"
    return None


def read_ipv4(host: str) -> ipaddress.IPv4Address | None:
    """Read an IPv4 address in the one notation that everybody reads alike: four numbers, no leading zeros."""
    try:
        return ipaddress.IPv4Address(host)
    except ValueError:
        return None


def _split_port(text: str) -> tuple[str, int | None]:
    head, bracket, tail = text.partition("]")
    name, colon, port = (tail if bracket else head).partition(":")
    if bracket and name:
        raise ValueError(f"{text!r} must end with ] or with a port")
    if not colon:
        return text, None
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(
            f"{text!r} must have a port from 1 to 65535 after the colon; an IPv6 address stands in []"
        )
    return (f"{head}]" if bracket else name), int(port)


def _read_ipv6(name: str) -> ipaddress.IPv6Address:
    inside = name[1:-1]
    try:
        address = ipaddress.IPv6Address(inside)
    except ValueError:
        raise ValueError(f"{name!r} is no IPv6 address") from None
    if str(address) != inside or address.ipv4_mapped:
        raise ValueError(f"{name!r} must be written as {address.ipv4_mapped or f'[{address}]'}")
    _check_address(name, address)
    return address


def _check_wildcard(text: str, host: str) -> None:
    if read_ipv4(host):
        raise ValueError(f"{text!r} must be an address without *")
    if len(host.split(".")) < 2:
        raise ValueError(f"{text!r} is too wide: at least two names must follow the *, as in *.example.com")


def _check_address(text: str, address: Address) -> None:
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError(f"{text!r} is an address that no script can reach; take it out")
