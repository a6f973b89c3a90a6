"""What web pages of other origins are told: pure (the Fetch standard, section 3.2).

The browser asks and obeys; nothing here keeps anybody else from calling. A page that may not read an answer
may still have sent the request, if that was a simple one.
"""

from collections.abc import Iterable, Sequence

from scriptorium_api.endpoints.traffic import Cors
from scriptorium_runner.endpoints.calls import Answer, Call, Headers, Problem

_PREFIX = "access-control-"
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_VARIES = (("Vary", "Origin"),)


def is_preflight(call: Call) -> bool:
    """Say whether a browser asks what a page may do, on its own and without credentials."""
    asks = call.find_header("access-control-request-method") is not None
    return call.method == "OPTIONS" and asks and call.find_header("origin") is not None


def answer_preflight(methods: Sequence[str], cors: Cors | None, call: Call) -> Answer | Problem:
    """Tell a browser which of an Endpoint's methods a page may use, and which headers.

    An origin that may call is told all of it, whatever it asked for: the browser then says what is missing.
    """
    if cors is None:
        return _refuse("this Endpoint has no cors, so pages of other origins may not call it")
    if not _is_known(cors, call):
        return _refuse("cors.origins of this Endpoint does not name the page's origin")
    lists = [
        ("Access-Control-Allow-Methods", ", ".join(_list_methods(methods, cors))),
        ("Access-Control-Allow-Headers", ", ".join(cors.headers)),
    ]
    told = tuple((name, value) for name, value in lists if value)
    age = ("Access-Control-Max-Age", str(cors.max_age))
    return Answer(204, (*_tell_origin(cors, call), *told, age))


def build_headers(cors: Cors | None, call: Call) -> Headers:
    """Give the headers that let a page read the answer to a call, and caches keep the right one."""
    if cors is None:
        return ()
    if not _is_known(cors, call) or not _has_method(cors, call.method):
        return () if "*" in cors.origins else _VARIES
    exposed = ", ".join(cors.exposed_headers)
    more = (("Access-Control-Expose-Headers", exposed),) if exposed else ()
    return (*_tell_origin(cors, call), *more)


def add_headers(answer: Answer, cors: Cors | None, call: Call) -> Answer:
    """Give an answer with these headers; they replace the script's own, and join what it says of Vary."""
    if cors is None:
        return answer
    own = build_headers(cors, call)
    kept = tuple(pair for pair in answer.headers if not pair[0].lower().startswith(_PREFIX))
    is_varied = any(name.lower() == "vary" and _names_origin(value) for name, value in kept)
    more = tuple(pair for pair in own if pair[0] != "Vary" or not is_varied)
    return Answer(answer.status, kept + more, answer.body)


def _names_origin(vary: str) -> bool:
    return any(each.strip().lower() in ("*", "origin") for each in vary.split(","))


def _refuse(detail: str) -> Problem:
    return Problem(403, "Forbidden", detail, _VARIES)


def _tell_origin(cors: Cors, call: Call) -> Headers:
    if "*" in cors.origins:
        return (("Access-Control-Allow-Origin", "*"),)
    origin = ("Access-Control-Allow-Origin", call.find_header("origin") or "")
    credentials = (("Access-Control-Allow-Credentials", "true"),) if cors.credentials else ()
    return (origin, *credentials, *_VARIES)


def _is_known(cors: Cors, call: Call) -> bool:
    """Say whether the page's origin may call; where all may, there need be none."""
    if "*" in cors.origins:
        return True
    origin = call.find_header("origin")
    return origin is not None and any(_matches(_without_port(each), origin) for each in cors.origins)


def _matches(pattern: str, origin: str) -> bool:
    head, star, tail = pattern.partition("*")
    if not star:
        return origin == pattern
    label = origin.removeprefix(head).removesuffix(tail)
    is_framed = origin.startswith(head) and origin.endswith(tail) and len(origin) > len(head) + len(tail)
    return is_framed and label.replace("-", "").isalnum() and label.isascii()


def _without_port(pattern: str) -> str:
    """Give the pattern as browsers write origins: never with the port that is usual."""
    scheme = pattern.partition(":")[0]
    return pattern.removesuffix(f":{_DEFAULT_PORTS.get(scheme, '')}")


def _list_methods(methods: Iterable[str], cors: Cors) -> tuple[str, ...]:
    return tuple(method for method in methods if _has_method(cors, method))


def _has_method(cors: Cors, method: str) -> bool:
    return cors.methods is None or ("GET" if method == "HEAD" else method) in cors.methods
