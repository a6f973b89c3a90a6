"""What a script asks for: read once from what the worker sent, which may be anything at all. Pure."""

import base64
import binascii
import json
import re
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from scriptorium_api.values import frozen
from scriptorium_runner.engine import HostError
from scriptorium_runner.host import quotes
from scriptorium_runner.host.http import headers, targets
from scriptorium_runner.host.http.failures import Code, failure
from scriptorium_runner.host.http.headers import Headers
from scriptorium_runner.host.http.targets import Target

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WITHOUT_DATA = frozenset({"http.get", "http.delete"})
_WITH_DATA = frozenset({"http.post", "http.put", "http.patch"})
_WITHOUT_BODY = frozenset({"GET", "HEAD"})
#: What `http.request` takes.
OPTIONS = frozenset(
    {"method", "url", "headers", "query", "body", "bodyBase64", "timeoutMs", "redirect", "responseType"}
)
_MAX_TIMEOUT_MS = 3_600_000
#: Options of a few words; the first is the default.
Choice = TypeVar("Choice", bound=StrEnum)

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


class Redirect(StrEnum):
    """What is done when the answer is: look elsewhere."""

    FOLLOW = "follow"
    MANUAL = "manual"
    """The answer is given as it is."""
    ERROR = "error"


class ResponseType(StrEnum):
    """How the script wants the body."""

    TEXT = "text"
    BYTES = "bytes"


@frozen(kw_only=True)
class Request:
    """One request, checked."""

    method: str
    target: Target
    headers: Headers
    body: bytes | None = None
    timeout_seconds: float | None = None
    redirect: Redirect = Redirect.FOLLOW
    response_type: ResponseType = ResponseType.TEXT


def read_request(call: str, arguments: list[Any], max_body: int) -> Request:
    """Check a call, `http.request` or one of its short forms; raises HostError."""
    options = _read_options(call, arguments)
    if unknown := sorted(options.keys() - OPTIONS):
        known = ", ".join(sorted(OPTIONS - {"bodyBase64"}))
        raise _refuse(f"{quotes.quote(unknown[0])} is no option; there are {known}")
    method = _read_method(options.get("method"))
    body, content_type = _read_body(options)
    if body is not None and method in _WITHOUT_BODY:
        raise _refuse(f"{method} has no body")
    if body is not None and len(body) > max_body:
        raise failure(Code.REQUEST_TOO_LARGE, f"the body has {len(body)} bytes; {max_body} can be sent")
    sent = headers.read_headers(options.get("headers"))
    return Request(
        method=method,
        target=_read_target(options),
        headers={"content-type": content_type} | sent if content_type else sent,
        body=body,
        timeout_seconds=_read_timeout(options.get("timeoutMs")),
        redirect=_read_choice(Redirect, "redirect", options.get("redirect")),
        response_type=_read_choice(ResponseType, "responseType", options.get("responseType")),
    )


def _read_options(call: str, arguments: list[Any]) -> dict[str, Any]:
    """Give what the call would be as `http.request`."""
    if call == "http.request":
        names = ["options"]
    elif call in _WITHOUT_DATA:
        names = ["url", "options"]
    elif call in _WITH_DATA:
        names = ["url", "data", "options"]
    else:
        raise _refuse(f"there is no {quotes.quote(call)}")
    if len(arguments) > len(names):
        raise _refuse(f"{call} takes {', '.join(names)}")
    found = dict(zip(names, arguments, strict=False))
    options = found.get("options")
    if not isinstance(options, dict) and (options is not None or names == ["options"]):
        raise _refuse(f"the options of {call} must be an object")
    return _merge(call, found, options or {})


def _merge(call: str, found: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    if call == "http.request":
        return options
    said = {"method": call.removeprefix("http."), "url": found.get("url")}
    if found.get("data") is not None:
        said["body"] = found["data"]
    if twice := sorted(said.keys() & options.keys()):
        raise _refuse(f"the options of {call} say {twice[0]} again")
    return said | options


def redirect_request(request: Request, status: int, target: Target) -> Request:
    """Give the request that follows a redirect, as `fetch` would make it."""
    becomes_get = (status in (301, 302) and request.method == "POST") or (
        status == 303 and request.method not in _WITHOUT_BODY
    )
    if becomes_get:
        request = replace(request, method="GET", body=None, headers=headers.strip_content(request.headers))
    if target.origin != request.target.origin:
        request = replace(request, headers=headers.strip_credentials(request.headers))
    return replace(request, target=target)


def _read_method(value: Any) -> str:
    method = "GET" if value is None else value
    if not isinstance(method, str) or not method.isascii() or method.upper() not in METHODS:
        raise _refuse(f"the method must be one of {', '.join(sorted(METHODS))}")
    return method.upper()


def _read_target(options: dict[str, Any]) -> Target:
    url = options.get("url")
    if not isinstance(url, str):
        raise _refuse("the url must be a text")
    return targets.add_query(targets.parse_target(url), _read_query(options.get("query")))


def _read_query(value: Any) -> list[tuple[str, str]]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise _refuse("the query must be an object of names and values")
    pairs: list[tuple[str, str]] = []
    for name, each in value.items():
        for one in each if isinstance(each, list) else [each]:
            if one is not None:
                pairs.append((_mend(name), _write_query_value(name, one)))
    return pairs


def _write_query_value(name: str, value: Any) -> str:
    if isinstance(value, str):
        return _mend(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise _refuse(f"the query's {quotes.quote(name)} must be a text, a number, a boolean or a list of these")


def _read_body(options: dict[str, Any]) -> tuple[bytes | None, str | None]:
    """Give the body and the content type it has by itself."""
    body, encoded = options.get("body"), options.get("bodyBase64")
    if encoded is not None:
        if body is not None or not isinstance(encoded, str):
            raise _refuse("give one body")
        return _read_base64(encoded), None
    if body is None:
        return None, None
    if isinstance(body, str):
        return _mend(body).encode(), "text/plain;charset=UTF-8"
    return _write_json(body), "application/json"


def _write_json(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise _refuse("the body cannot be written as JSON") from None
    return _mend(text).encode()


def _read_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refuse("bodyBase64 is no base64") from None


def _read_timeout(value: Any) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= _MAX_TIMEOUT_MS:
        raise _refuse(f"timeoutMs must be a number from 1 to {_MAX_TIMEOUT_MS}")
    return float(value) / 1000


def _read_choice(kind: type[Choice], name: str, value: Any) -> Choice:
    choices = list(kind)
    if value is None:
        return choices[0]
    if value not in choices:
        raise _refuse(f"{name} must be one of {', '.join(choices)}")
    return kind(value)


def _mend(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding can carry, as JavaScript's own encoder does."""
    return _HALF_CHARACTER.sub("\ufffd", text)


def _refuse(problem: str) -> HostError:
    return failure(Code.INVALID_REQUEST, problem)
