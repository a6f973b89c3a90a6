"""The trace that a request belongs to, as W3C Trace Context has it: pure, but for the numbers drawn here."""

import re
import secrets

from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Headers

HEADER = "traceparent"

#: Of later versions what this one knows comes first.
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN, _NO_VERSION = "0" * 32, "0" * 16, "ff"
_SAMPLED = 1


@frozen
class Trace:
    """One request as a part of a trace; its span is our own."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def parent(self) -> str:
        """Give what the requests of the script say of where they come from."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def read_trace(headers: Headers) -> Trace:
    """Go on with the caller's trace if that is well-formed, else begin one, which nobody asked to record."""
    said = [value for name, value in headers if name == HEADER]
    found = _FORM.fullmatch(said[0].strip()) if len(said) == 1 else None
    # Both in one: each asks the kernel.
    drawn = secrets.token_hex(24)
    trace, span = drawn[:32], drawn[32:]
    if found is None or not _is_valid(found):
        return Trace(trace, span, "00")
    flags = int(found[4], 16) & _SAMPLED
    return Trace(found[2], span, f"{flags:02x}")


def _is_valid(found: re.Match[str]) -> bool:
    version, trace, span, more = found[1], found[2], found[3], found[5]
    if version == _NO_VERSION or trace == _NO_TRACE or span == _NO_SPAN:
        return False
    return not (version == "00" and more)
