"""The token that a call comes with. Pure."""

import re

from scriptorium_runner.endpoints.calls import Call, Problem
from scriptorium_runner.endpoints.invoke import problems

#: Tokens of service accounts have about 1 KiB, those of identity providers with many groups some more.
MOST_TOKEN = 16 * 1024

#: As RFC 6750 writes tokens: nothing in them could end a header or be a second value.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")

_MISSING = "send a Kubernetes token: Authorization: Bearer <token>"
_SEVERAL = "send one Authorization header, not several"
_MALFORMED = "what comes after Bearer is not a token"


def read_token(call: Call) -> str | Problem:
    """Give the token of a call, which nobody has judged yet."""
    found = [value for name, value in call.headers if name == "authorization"]
    if not found:
        return problems.unauthorized(_MISSING)
    if len(found) > 1:
        return problems.unauthorized(_SEVERAL)
    scheme, _, token = found[0].partition(" ")
    if scheme.lower() != "bearer":
        return problems.unauthorized(_MISSING)
    if len(token) > MOST_TOKEN or not _TOKEN.fullmatch(token):
        return problems.unauthorized(_MALFORMED)
    return token
