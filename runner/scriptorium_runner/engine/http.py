"""The HTTP request that a script answers, and its answer, as the engine's callers see them."""

import json
from collections.abc import Mapping
from dataclasses import field

from scriptorium_api.values import frozen

_ENCODER = json.JSONEncoder(default=dict, separators=(",", ":"))
_IN_HEAD = ("method", "path", "params", "query", "headers", "cookies", "ip", "id")


@frozen(kw_only=True)
class HttpRequest:
    """What came in. Nobody else's text is trusted less: any of it can be an attacker's."""

    method: str
    #: As it came, in its canonical form.
    path: str
    #: The path's parameters, decoded.
    params: Mapping[str, str] = field(default_factory=dict)
    #: Of a name that was given several times all values, in their order.
    query: Mapping[str, str | list[str]] = field(default_factory=dict, repr=False)
    #: Names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    ip: str = ""
    id: str = ""


@frozen(kw_only=True)
class HttpResponse:
    """What goes out: nothing in it can break the message that it is put into."""

    #: From 200 to 599.
    status: int
    #: Names as the script wrote them; a name can be there several times.
    headers: tuple[tuple[str, str], ...] = ()
    #: Empty where there is none.
    body: bytes = field(default=b"", repr=False)


def render_head(request: HttpRequest) -> str:
    """Write all of a request but its body as JSON."""
    parts = {name: getattr(request, name) for name in _IN_HEAD}
    return _ENCODER.encode(parts)
