"""Why a request of a script came to nothing: a closed list of codes, each with a sentence for people."""

from enum import StrEnum

from scriptorium_runner.engine import HostError


class Code(StrEnum):
    """The `code` of an HttpError; docs/javascript.md has the same list."""

    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_URL = "INVALID_URL"
    HEADER_NOT_ALLOWED = "HEADER_NOT_ALLOWED"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    TOO_MUCH_UNDER_WAY = "TOO_MUCH_UNDER_WAY"
    HOST_NOT_ALLOWED = "HOST_NOT_ALLOWED"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"
    HOST_NOT_FOUND = "HOST_NOT_FOUND"
    CONNECTION_FAILED = "CONNECTION_FAILED"
    TLS_FAILED = "TLS_FAILED"
    PROXY_FAILED = "PROXY_FAILED"
    TIMEOUT = "TIMEOUT"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    REDIRECT_REFUSED = "REDIRECT_REFUSED"
    TOO_MANY_REDIRECTS = "TOO_MANY_REDIRECTS"
    INVALID_RESPONSE = "INVALID_RESPONSE"
    RESPONSE_TOO_LARGE = "RESPONSE_TOO_LARGE"


#: What the platform refused; the rest is the world's doing, or a mistake of the script.
DENIALS = frozenset({Code.HOST_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED, Code.HEADER_NOT_ALLOWED})


def failure(code: Code, message: str) -> HostError:
    """Make the error that the script is told."""
    return HostError(message, code=code, name="HttpError")
