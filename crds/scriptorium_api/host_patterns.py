"""The hosts that a Script may call, as its manifest writes them: pure, for the model and the runner alike.

    api.example.com        exactly this host, at the default port of the URL's scheme
    *.example.com          every host below example.com, however deep; example.com itself is not
    api.example.com:8443   this host at this port alone
    10.1.2.3, [fd00::1]    an address

A pattern is written as it is compared: ASCII, lower case, no dot at the end. What could be read in two ways
is refused, so that a review of the manifest shows what is granted.

The API server judges by SHAPE and UNREACHABLE, and by nothing else: so does the model in the end, or else an
object could be stored that nobody can read. The rest of it finds better words for what is refused.
"""

import ipaddress
import re

from scriptorium_api.values import frozen

#: The longest name that DNS can carry.
MAX_HOST = 253

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
#: A last label like these makes some programs read the whole name as an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_PORTS = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PART = "[0-9a-f]{1,4}"
_IPV6 = "|".join(
    [
        f"({_PART}:){{7}}{_PART}",
        f"({_PART}:){{1,7}}:",
        *(f"({_PART}:){{1,{before}}}(:{_PART}){{1,{7 - before}}}" for before in range(6, 0, -1)),
        f":(:{_PART}){{1,7}}",
        "::",
    ]
)
_NAME = f"({_LABEL.pattern}[.])+[a-z_]([a-z0-9_-]{{0,61}}[a-z0-9_])?"

#: All of a pattern, in what Python's and the API server's expressions have in common.
SHAPE = rf"^(([*][.])?{_NAME}|{_OCTET}([.]{_OCTET}){{3}}|\[({_IPV6})\])(:{_PORTS})?$"
#: Loopback, link-local and multicast addresses, and none at all, as they are usually written.
UNREACHABLE = (
    r"^(127([.][0-9]+){3}|169[.]254([.][0-9]+){2}|(22[4-9]|23[0-9])([.][0-9]+){3}|0([.]0){3}"
    r"|\[(::1?|fe[89ab][0-9a-f]:.*|ff[0-9a-f]{2}:.*)\])(:[0-9]+)?$"
)

IS_NONE = "must be a host such as api.example.com, *.example.com, api.example.com:8443 or 10.1.2.3"
IS_UNREACHABLE = "is an address that no script can reach; take it out"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@frozen
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
        address = _read_ipv6(name)
        _check_shape(text)
        return HostPattern(str(address), port)
    is_wildcard = name.startswith("*.")
    host = name.removeprefix("*.")
    if is_wildcard:
        _check_wildcard(text, host)
    if problem := find_host_problem(host):
        raise ValueError(f"{text!r} {problem}")
    _check_shape(text)
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
    try:
        return ipaddress.IPv6Address(name[1:-1])
    except ValueError:
        raise ValueError(f"{name!r} is no IPv6 address") from None


def _check_wildcard(text: str, host: str) -> None:
    if read_ipv4(host):
        raise ValueError(f"{text!r} must be an address without *")
    if len(host.split(".")) < 2:
        raise ValueError(f"{text!r} is too wide: at least two names must follow the *, as in *.example.com")


def _check_shape(text: str) -> None:
    if len(text) > MAX_HOST or "\n" in text or not re.match(SHAPE, text):
        raise ValueError(f"{text!r} {IS_NONE}")
    if re.match(UNREACHABLE, text):
        raise ValueError(f"{text!r} {IS_UNREACHABLE}")
