"""What a caller from inside the cluster is told where no script has run. Pure."""

import math

from scriptorium_api.execution import ErrorInfo
from scriptorium_runner.endpoints.calls import Problem

#: Seconds after which to try again what nobody can say more of.
SOON = 1


def retry_after(seconds: float) -> tuple[tuple[str, str], ...]:
    """Give the header that says when to try again: whole seconds, one at least."""
    return (("Retry-After", str(max(1, math.ceil(seconds)))),)


def unauthorized(detail: str) -> Problem:
    """Tell that the caller is not known."""
    return Problem(401, "Unauthorized", detail, (("WWW-Authenticate", 'Bearer realm="kubernetes"'),))


def forbidden(name: str, namespace: str) -> Problem:
    """Tell that the caller may not create runs here."""
    who = f'"{name}"' if name else "this account"
    detail = f'{who} may not create scriptexecutions in namespace "{namespace}"; a Role there has to allow it'
    return Problem(403, "Forbidden", detail)


def review_failed(seconds: float | None) -> Problem:
    """Tell that nobody knows at this moment who the caller is."""
    detail = "the API server does not say who the caller is; try again"
    return unavailable(detail, 5 if seconds is None else seconds)


def unavailable(detail: str, seconds: float) -> Problem:
    """Tell that it may work a little later."""
    return Problem(503, "Service Unavailable", detail, retry_after(seconds))


def bad_request(detail: str) -> Problem:
    """Tell that the request makes no sense."""
    return Problem(400, "Bad Request", detail)


def not_found(detail: str) -> Problem:
    """Tell that there is no such thing."""
    return Problem(404, "Not Found", detail)


def wrong_method() -> Problem:
    """Tell that a call is a POST."""
    return Problem(405, "Method Not Allowed", "a Script is invoked by POST", (("Allow", "POST"),))


def too_slow() -> Problem:
    """Tell that the body did not arrive in time."""
    return Problem(408, "Request Timeout", "the body did not arrive in time", (("Connection", "close"),))


def conflict(detail: str) -> Problem:
    """Tell that the Script is in a state in which it does not run."""
    return Problem(409, "Conflict", detail)


def too_large(detail: str) -> Problem:
    """Tell that the input is larger than a run may have."""
    return Problem(413, "Content Too Large", detail)


def wrong_type(detail: str) -> Problem:
    """Tell that the body is not JSON."""
    return Problem(415, "Unsupported Media Type", detail)


def no_javascript(script: str, message: str | None, error: ErrorInfo | None) -> Problem:
    """Tell that the Script's source is not JavaScript, and where."""
    detail = f'the source of Script "{script}" is not JavaScript: {message or "it does not compile"}'
    return Problem(422, "Unprocessable Content", detail, more={"error": error.to_wire()} if error else {})


def our_failure() -> Problem:
    """Tell that the runner failed; its log has the cause."""
    return Problem(500, "Internal Server Error", "the runner failed; its log has the cause")
