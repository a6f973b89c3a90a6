"""Who may use the page: whoever sits at this machine, and no web page of another origin. Pure.

A page elsewhere can have its own name lead to this machine, so the Host must be one that leads nowhere else;
and it can send requests to this machine without reading what comes back, so nothing is done for its Origin.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

from scriptorium_runner.endpoints.calls import Call, Headers, Problem

ROOT = "/_scriptorium"

#: Names that nobody can register, so that no page's own name ends with them.
_INNER = (".localhost", ".internal")

_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_AUTHORITY = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)

#: Nothing foreign is loaded, nothing inline runs, no text ever becomes markup, and nobody puts it in a frame.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Headers = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


def is_reserved(path: str) -> bool:
    """Say whether a path is ours, whatever Endpoints there are."""
    return path == ROOT or path.startswith(f"{ROOT}/")


def find_foreign_host(call: Call, is_named: Callable[[str], bool]) -> Problem | None:
    """Say why Endpoints do not answer to a host; None if they do.

    They may hand out what this machine alone should have, and a page whose own name leads here is to a
    browser as one of ours. No page's name is an address, or a name that leads nowhere else.
    """
    host = call.host
    if host in ("", "localhost") or host.endswith(_INNER) or _is_address(host) or is_named(host):
        return None
    return _refuse(
        f'no Endpoint here has the host "{host}": ask for localhost, or have a tunnel send that as Host'
    )


def find_refusal(call: Call) -> Problem | None:
    """Say why a call is not answered; None if it is."""
    if not _is_loopback(call.ip):
        return _refuse("this page is for the machine that it runs on")
    authority = call.find_header("host") or ""
    if call.host not in _HOSTS or not _AUTHORITY.fullmatch(authority):
        return _refuse("open this page as http://localhost or http://127.0.0.1")
    if not _is_own(call, f"http://{authority.lower()}"):
        return _refuse("this page is not for other pages")
    return None


def _is_own(call: Call, origin: str) -> bool:
    """Say whether our own page asks, or a person, or a program that is no browser.

    What only reads may come without an Origin, as browsers send it; what does something may not.
    """
    said = call.find_header("origin")
    if said is not None:
        return said == origin
    if call.method not in ("GET", "HEAD"):
        return False
    if call.find_header("sec-fetch-site") in (None, "none", "same-origin"):
        return True
    # A link may lead to the page itself: it says nothing until its own script asks.
    return call.find_header("sec-fetch-dest") == "document" and call.raw_path in (ROOT, f"{ROOT}/")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@lru_cache(64)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse(detail: str) -> Problem:
    return Problem(403, "Forbidden", detail)
