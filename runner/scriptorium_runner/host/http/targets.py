"""Where a request goes. Pure: a URL is read once, and checks, lookup, TLS and Host all use what was read.

Whatever two parsers are known to read differently is refused, not interpreted.
"""

import ipaddress
import re
import urllib.parse

import idna

from scriptorium_api import host_patterns
from scriptorium_api.host_patterns import Address
from scriptorium_api.values import frozen
from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http.failures import Code, failure

#: Longer ones are refused by most servers anyway.
MAX_URL = 8192

DEFAULT_PORTS = {"http": 80, "https": 443}

#: Spaces, control characters and backslashes: cut off, taken as the end of the host, or as slashes, by turns.
_DISPUTED = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ufeff\ud800-\udfff]")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_START = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?"


@frozen(kw_only=True)
class Target:
    """One place on the web."""

    scheme: str
    host: str
    """Canonical: ASCII, lower case, no dot at the end; an IPv6 address without brackets."""
    port: int
    path: str
    """Path and query, as they are sent."""

    @property
    def address(self) -> Address | None:
        """Give the address if the host is one."""
        if ":" in self.host:
            return ipaddress.IPv6Address(self.host)
        return host_patterns.read_ipv4(self.host)

    @property
    def default_port(self) -> int:
        """Give the port that a URL of this scheme need not write."""
        return DEFAULT_PORTS[self.scheme]

    @property
    def authority(self) -> str:
        """Give the Host header: without the default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == self.default_port else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Give what credentials belong to."""
        return (self.scheme, self.host, self.port)

    @property
    def url(self) -> str:
        """Give the canonical URL."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_target(url: str) -> Target:
    """Read an absolute URL; raises HostError with INVALID_URL for whatever is not plainly one."""
    if len(url) > MAX_URL:
        raise _refuse(f"is longer than {MAX_URL} characters")
    if _DISPUTED.search(url):
        raise _refuse("has spaces, control characters or backslashes; escape them")
    if not _START.match(url):
        raise _refuse("must begin with http:// or https:// and a host")
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refuse("cannot be read: its host or port is malformed") from None
    if "@" in parts.netloc:
        raise _refuse("must not carry a user or password; use the Authorization header")
    if port == 0:
        raise _refuse("has port 0, which nobody can listen on")
    return Target(
        scheme=parts.scheme,
        host=_read_host(parts.netloc),
        port=port or DEFAULT_PORTS[parts.scheme],
        path=_write_path(parts.path, parts.query),
    )


def join_target(base: Target, location: str) -> Target:
    """Read where a redirect leads, seen from where it came from; raises HostError with INVALID_URL."""
    if len(location) > MAX_URL or _DISPUTED.search(location):
        raise _refuse("that it was sent to is too long, or has spaces, control characters or backslashes")
    if _SCHEME.match(location):
        # Joining takes "http:" and "http:///x" for places on the former host; browsers take x for a host.
        return parse_target(location)
    if location.startswith("//"):
        return parse_target(f"{base.scheme}:{location}")
    try:
        joined = urllib.parse.urljoin(base.url, location)
    except ValueError:
        raise _refuse("that it was sent to cannot be read") from None
    return parse_target(joined)


def add_query(target: Target, pairs: list[tuple[str, str]]) -> Target:
    """Put names and values after those that the URL has already."""
    if not pairs:
        return target
    more = urllib.parse.urlencode(pairs, quote_via=urllib.parse.quote)
    separator = "&" if "?" in target.path else "?"
    path = f"{target.path}{separator}{more}"
    if len(path) > MAX_URL:
        raise _refuse(f"is longer than {MAX_URL} characters with its query")
    return Target(scheme=target.scheme, host=target.host, port=target.port, path=path)


def _read_host(netloc: str) -> str:
    """Read the host of what stands between // and the path, which urlsplit has found well-formed."""
    if netloc.startswith("["):
        return _read_ipv6(netloc)
    host = netloc.partition(":")[0]
    if "%" in host:
        raise _refuse("has an escape in its host")
    host = _write_ascii(host).removesuffix(".")
    if problem := host_patterns.find_host_problem(host):
        raise _refuse(problem)
    return host


def _read_ipv6(netloc: str) -> str:
    inside, _, rest = netloc[1:].partition("]")
    try:
        address = ipaddress.IPv6Address(inside)
    except ValueError:
        raise _refuse("has no IPv6 address between its brackets") from None
    if rest and not rest.startswith(":"):
        raise _refuse("has more than a port after its IPv6 address")
    if address.scope_id is not None:
        raise _refuse("has an IPv6 zone")
    return str(address)


def _write_ascii(host: str) -> str:
    """Write a name of any alphabet as DNS knows it, mapped as browsers do."""
    if host.isascii():
        return host.lower()
    if len(host) > host_patterns.MAX_HOST:
        # Not worth the work; it would be longer still in ASCII.
        raise _refuse("has a host that is too long")
    try:
        return idna.encode(host, uts46=True, transitional=False).decode().lower()
    except (idna.IDNAError, UnicodeError):
        raise _refuse("has a host that is no valid international name") from None


def _write_path(path: str, query: str) -> str:
    written = urllib.parse.quote(path or "/", safe=_PATH_SAFE)
    return f"{written}?{urllib.parse.quote(query, safe=_QUERY_SAFE)}" if query else written


def _refuse(problem: str) -> HostError:
    return failure(Code.INVALID_URL, f"the URL {problem}")
