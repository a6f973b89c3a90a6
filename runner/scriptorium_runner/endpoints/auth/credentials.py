"""What a caller sent to say who it is, read in the one way that everybody reads alike. Pure."""

import re
from collections.abc import Sequence

from scriptorium_runner.endpoints.auth.verdicts import Denied, Fault
from scriptorium_runner.endpoints.calls import Call

#: No token that providers issue is larger, and each costs the work to check it.
MAX_BYTES = 16 * 1024

_SCHEME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]*")


def find_authorization(call: Call, scheme: str) -> str | Denied | None:
    """Give what follows a scheme in Authorization; None where the caller used no such scheme."""
    values = [value.strip(" \t") for name, value in call.headers if name == "authorization"]
    schemes = [_read_scheme(value) for value in values]
    if scheme not in schemes:
        return None
    sent = pick_only(values, "Authorization")
    return sent if isinstance(sent, Denied) else sent[len(scheme) :].strip(" ")


def pick_only(values: Sequence[str], name: str) -> str | Denied:
    """Give the only value of several that were sent: whoever reads another than we do is fooled."""
    if len(values) != 1:
        return Denied(Fault.AMBIGUOUS, f"{name} was sent {len(values)} times")
    if len(values[0]) > MAX_BYTES:
        return Denied(Fault.WRONG, f"{name} holds more than {MAX_BYTES} characters")
    return values[0]


def encode(text: str) -> bytes | None:
    """Give the bytes that came in; None for what no caller can have sent."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None


def _read_scheme(value: str) -> str:
    """Give the scheme in lower case, also where nothing or no space follows it."""
    found = _SCHEME.match(value)
    return found[0].lower() if found else ""
