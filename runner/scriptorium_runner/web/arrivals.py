"""From a message of HTTP/1.1 to a Call: who called, and for what. Pure."""

import ipaddress
import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from scriptorium_api.address_ranges import Network
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints import request_ids
from scriptorium_runner.endpoints.calls import Call, Headers, Problem

#: What a caller could say of itself; only proxies that are trusted are believed. X-Forwarded-Host is believed
#: from nobody: many a proxy passes it on as it came, and with it a caller would choose the Endpoint.
_FOR, _PROTO = "x-forwarded-for", "x-forwarded-proto"

#: A name or an address, and a port; nobody reads two hosts in it.
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

_HOST, _CODING = "host", "transfer-encoding"
_BAD_REQUEST = "Bad Request"


@frozen
class Arrival:
    """A message as the parser gives it."""

    method: str
    target: str
    """As it was sent."""
    headers: Headers
    """Names in lower case; bytes that are no UTF-8 are escaped, as Python escapes them."""
    peer: str
    """The address that the connection comes from."""
    version: tuple[int, int] = (1, 1)
    """Of HTTP."""
    is_upgrade: bool = False
    """Whether it wishes for another protocol: what follows may be of that, and is not read."""


def read_headers(raw: Sequence[tuple[bytes, bytes]]) -> Headers:
    """Give the headers of a message; bytes that are no UTF-8 are left to whoever reads them."""
    return tuple(
        (name.decode("latin-1").lower(), value.decode("utf-8", "surrogateescape")) for name, value in raw
    )


def read_call(arrival: Arrival, proxies: Collection[Network]) -> Call:
    """Give the call that a message makes."""
    headers = arrival.headers
    authority, path, query = _split_target(arrival.target)
    host = authority if authority is not None else _find_first(headers, _HOST)
    ip, is_secure = arrival.peer, False
    if proxies and (trusted := is_trusted(arrival.peer, proxies)):
        ip = find_ip(arrival.peer, _list_values(headers, _FOR), proxies)
        is_secure = trusted and _find_last(headers, _PROTO).lower() == "https"
    return Call(
        id=request_ids.choose_id(headers),
        method=arrival.method,
        host=simplify_host(host),
        raw_path=path,
        raw_query=query,
        headers=headers,
        ip=ip,
        is_secure=is_secure,
    )


def find_problem(arrival: Arrival) -> Problem | None:
    """Say what keeps a message from being a request that can be answered; None if nothing does."""
    if arrival.version < (1, 0):
        return Problem(400, _BAD_REQUEST, "this is not HTTP/1.1 as its standard has it")
    hosts = [value for name, value in arrival.headers if name == _HOST]
    if len(hosts) > 1 or (arrival.version >= (1, 1) and not hosts):
        return Problem(400, _BAD_REQUEST, "a request has exactly one Host header")
    authority, _, _ = _split_target(arrival.target)
    if not all(_AUTHORITY.fullmatch(each) for each in (*hosts, authority or "")):
        return Problem(400, _BAD_REQUEST, "Host is a name or an address, and a port")
    if authority is not None and any(simplify_host(each) != simplify_host(authority) for each in hosts):
        # Who reads the one and who reads the other would not agree on what was asked for.
        return Problem(400, _BAD_REQUEST, "Host is another than that of the URL")
    if any(name == _CODING and value.lower() != "chunked" for name, value in arrival.headers):
        return Problem(501, "Not Implemented", "of all codings of a message only chunked is taken")
    return None


def is_trusted(address: str, proxies: Collection[Network]) -> bool:
    """Say whether an address is a proxy's that is believed."""
    found = _read_address(address)
    return found is not None and any(found in each for each in proxies)


def find_ip(peer: str, hops: Sequence[str], proxies: Collection[Network]) -> str:
    """Give who called: counted from the right, the first that is no trusted proxy.

    What stands left of that may be anybody's invention. Where the trusted ones name nobody, or what is no
    address, it is the last of them.
    """
    caller = peer
    for hop in reversed(hops):
        if not is_trusted(caller, proxies) or _read_address(hop) is None:
            break
        caller = hop
    return simplify(caller)


def simplify(address: str) -> str:
    """Give an address as it is written most simply; what is none stays as it is."""
    return str(_read_address(address) or address)


def simplify_host(authority: str) -> str:
    """Give a host in lower case, without its port, and without the dot that may end a full name.

    To a proxy a name is the same with that dot: it must not lead to another Endpoint here.
    """
    if authority.startswith("["):
        return authority.partition("]")[0].removeprefix("[").lower()
    return authority.partition(":")[0].removesuffix(".").lower()


def _split_target(target: str) -> tuple[str | None, str, str]:
    """Give the authority, if the target has one, the path and the query."""
    authority = None
    if not target.startswith("/") and target[:8].lower().startswith(("http://", "https://")):
        try:
            authority = urlsplit(target).netloc
        except ValueError:
            # What is left is no path then, and refused as one.
            return None, target.partition("?")[0], ""
        target = target.partition("://")[2][len(authority) :]
        target = target if target.startswith("/") else f"/{target}"
    path, _, query = target.partition("?")
    return authority, path, query


def _read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A listener for both families sees the old one's addresses in the new one's form.
    return getattr(found, "ipv4_mapped", None) or found


def _list_values(headers: Headers, name: str) -> list[str]:
    values = (value for key, value in headers if key == name)
    return [each.strip() for value in values for each in value.split(",") if each.strip()]


def _find_first(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key == name), "")


def _find_last(headers: Headers, name: str) -> str:
    values = _list_values(headers, name)
    return values[-1] if values else ""
