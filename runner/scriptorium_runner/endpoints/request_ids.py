"""What a request is called, from its caller to the log: pure, but for the identifiers that are made here."""

import re
import uuid

from scriptorium_runner.endpoints.calls import Headers

HEADER = "x-request-id"

_FORM = re.compile(r"[A-Za-z0-9._-]{1,128}")


def choose_id(headers: Headers) -> str:
    """Give the caller's X-Request-Id if there is one that is well-formed, else one of our own."""
    said = [value for name, value in headers if name == HEADER]
    return said[0] if len(said) == 1 and _FORM.fullmatch(said[0]) else str(uuid.uuid4())
