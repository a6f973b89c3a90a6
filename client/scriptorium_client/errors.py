"""What the API server can answer instead of doing what was asked.

ApiError
 ├ Unavailable   try again later: no connection, 429, 5xx
 ├ NotFound      404
 ├ Conflict      409
 ├ Gone          410: the resource version is too old, list again
 ├ Forbidden     401, 403
 └ Invalid       400, 413, 415, 422
"""

from typing import Any


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, message: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Unavailable(ApiError):
    """The API server did not answer, or asked to be left alone for a while."""


class NotFound(ApiError):
    """There is no such object, or no such kind."""


class Conflict(ApiError):
    """The object changed since it was read, or exists already."""


class Gone(ApiError):
    """The resource version is too old to go on from."""


class Forbidden(ApiError):
    """The account may not do this."""


class Invalid(ApiError):
    """The request or the object in it is not valid."""


_CLASSES: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: Unavailable,
}


def from_status(status: int, body: Any, retry_after: str | None = None) -> ApiError:
    """Give the error for an answer's status code and its Status object or text."""
    message = body.get("message", "") if isinstance(body, dict) else str(body)
    kind = Unavailable if status >= 500 else _CLASSES.get(status, ApiError)
    pause = float(retry_after) if retry_after and retry_after.isdigit() else None
    return kind(message.strip() or f"HTTP {status}", status=status, retry_after=pause)
