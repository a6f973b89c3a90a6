"""The headers that scripts may send, and what they may not say. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from scriptorium_runner.host import quotes
from scriptorium_runner.host.http.failures import Code, failure

MAX_HEADERS = 64
MAX_BYTES = 16 * 1024

#: Names are compared in lower case; insertion order is the order on the wire.
Headers = dict[str, str]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Printable ASCII and tabs: a line break would begin a header, or a request, of the script's own.
_VALUE = re.compile(r"[\t\x20-\x7e]*")

#: What frames the message or speaks of the connection is the platform's to say.
_FORBIDDEN = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

#: What must not travel from one origin to another.
CREDENTIALS = frozenset({"authorization", "cookie"})


def read_headers(value: Any) -> Headers:
    """Check the headers of a request; raises HostError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise failure(Code.INVALID_REQUEST, "headers must be an object of names and texts")
    found: Headers = {}
    for name, text in value.items():
        _check(name, text)
        if name.lower() in found:
            raise failure(Code.INVALID_REQUEST, f"the header {quotes.quote(name)} is given twice")
        found[name.lower()] = text.strip()
    if len(found) > MAX_HEADERS or sum(len(name) + len(text) for name, text in found.items()) > MAX_BYTES:
        raise failure(
            Code.REQUEST_TOO_LARGE, f"at most {MAX_HEADERS} headers of {MAX_BYTES} bytes can be sent"
        )
    return found


def strip_credentials(headers: Headers) -> Headers:
    """Leave out what belongs to the former origin alone."""
    return {name: text for name, text in headers.items() if name not in CREDENTIALS}


def strip_content(headers: Headers) -> Headers:
    """Leave out what describes a body that is not sent any more."""
    return {name: text for name, text in headers.items() if not name.startswith("content-")}


def _check(name: str, text: Any) -> None:
    if not _NAME.fullmatch(name):
        raise failure(Code.INVALID_REQUEST, f"{quotes.quote(name)} is no name of a header")
    if name.lower() in _FORBIDDEN or name.lower().startswith("proxy-"):
        raise failure(
            Code.HEADER_NOT_ALLOWED,
            f"the header {quotes.quote(name)} is the platform's to send; leave it out",
        )
    if not isinstance(text, str) or not _VALUE.fullmatch(text):
        raise failure(
            Code.INVALID_REQUEST,
            f"the header {quotes.quote(name)} must be a text of printable ASCII without line breaks",
        )
