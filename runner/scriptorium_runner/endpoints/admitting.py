"""What keeps a request from being answered by a script, each with what its caller is told."""

from collections.abc import Mapping

from scriptorium_api.endpoints.traffic import RateBy, RateLimit
from scriptorium_runner.endpoints import addresses
from scriptorium_runner.endpoints.auth.verdicts import Admitted
from scriptorium_runner.endpoints.bodies import Body, BodyBroken, BodyStalled, BodyTooLarge
from scriptorium_runner.endpoints.calls import Call, Problem
from scriptorium_runner.endpoints.schemas import SchemaSet, find_body_problem, find_query_problem
from scriptorium_runner.endpoints.uploads import NoRoomLeft, Outpaced, Upload

_UNAVAILABLE = "Service Unavailable"


class Rejection(Exception):
    """No script answers this request."""

    def __init__(self, reason: str, problem: Problem, cause: str = "") -> None:
        """`reason` is one of a few words, for metrics; `cause` is for the log alone."""
        super().__init__(reason)
        self.reason, self.problem, self.cause = reason, problem, cause


def refuse_path() -> Rejection:
    """Refuse a path that others may read otherwise than we do."""
    detail = (
        "the path is not in canonical form: no empty or dot segments, no escaped slashes, "
        "and escapes only where they are needed"
    )
    return Rejection("path", Problem(400, "Bad Request", detail))


def refuse_unknown() -> Rejection:
    """Refuse what nothing answers."""
    return Rejection("not_found", Problem(404, "Not Found", "nothing answers at this host and path"))


def refuse_method(allow: tuple[str, str]) -> Rejection:
    """Refuse a method that nothing answers here."""
    detail = f"this path answers {allow[1]}"
    return Rejection("method", Problem(405, "Method Not Allowed", detail, (allow,)))


def refuse_unavailable(reason: str, detail: str, cause: str = "", seconds: float = 1) -> Rejection:
    """Refuse what would be answered another time."""
    retry = ("Retry-After", str(max(1, round(seconds))))
    return Rejection(reason, Problem(503, _UNAVAILABLE, detail, (retry,)), cause)


def refuse_rate(seconds: float) -> Rejection:
    """Refuse one request too many."""
    retry = ("Retry-After", str(max(1, -int(-seconds // 1))))
    return Rejection(
        "rate",
        Problem(429, "Too Many Requests", "the limit of requests for this caller is reached", (retry,)),
    )


def check_encoding(call: Call) -> None:
    """Refuse a body that is packed: who unpacks what strangers sent does their work."""
    said = call.find_header("content-encoding")
    if said is not None and said.strip().lower() not in ("", "identity"):
        detail = "bodies are taken as they are: send this one without Content-Encoding"
        raise Rejection("encoding", Problem(415, "Unsupported Media Type", detail))


def check_size(body: Body, most: int) -> None:
    """Refuse a body that announces to be too large, before any of it is read."""
    if body.size is not None and body.size > most:
        raise _refuse_size(most)


async def read_body(body: Body, most: int, upload: Upload) -> bytes:
    """Give a body, of so many bytes at most; raises Rejection."""
    try:
        return await upload.receive(body, most)
    except BodyTooLarge as error:
        raise _refuse_size(most) from error
    except BodyStalled as error:
        problem = Problem(408, "Request Timeout", "the body did not come in time")
        raise Rejection("stalled", problem) from error
    except BodyBroken as error:
        raise Rejection("malformed", Problem(400, "Bad Request", "the body is not framed well")) from error
    except Outpaced as error:
        raise refuse_unavailable("memory", "others needed the room: send this body faster") from error
    except NoRoomLeft as error:
        detail = "the bodies of other requests leave no room for this one"
        raise refuse_unavailable("memory", detail) from error


def check_schemas(schemas: SchemaSet, call: Call, query: Mapping[str, str | list[str]]) -> None:
    """Refuse what is not as the Endpoint asks for; raises Rejection."""
    problem = find_query_problem(schemas, query)
    if problem is None and schemas.body is not None and _has_body(call):
        problem = find_body_problem(schemas, call.body, call.find_header("content-type"))
    if problem is not None:
        raise Rejection("schema", problem)


def _has_body(call: Call) -> bool:
    """Say whether the body of a request is its matter: to DELETE it may be, to GET it is not."""
    return call.method in ("POST", "PUT", "PATCH") or (call.method == "DELETE" and bool(call.body))


def find_caller(limit: RateLimit, call: Call, admitted: Admitted | None) -> str | None:
    """Say who is counted as one caller, before or after somebody was let in; None if it is not counted then.

    Only a key's owner is known after it. All others are counted before, so that keys are not guessed.
    """
    if limit.by is RateBy.KEY:
        return admitted.who if admitted is not None else None
    if admitted is not None:
        return None
    if limit.by is RateBy.HEADER:
        return call.find_header((limit.header or "").lower()) or ""
    return addresses.find_network(call.ip)


def _refuse_size(most: int) -> Rejection:
    detail = f"a body may have {most} bytes here"
    return Rejection("too_large", Problem(413, "Content Too Large", detail))
