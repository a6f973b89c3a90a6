"""From the words of a worker to an answer that can be sent. Pure; nothing of it is believed unread."""

import re
from typing import Any

from scriptorium_runner.engine import untrusted
from scriptorium_runner.engine.http import HttpResponse
from scriptorium_runner.engine.protocol import HEAD_BYTES, MOST_LINE_BYTES, MOST_LINES

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Printable ASCII and tabs: a line break would begin a header, or an answer, of the script's own.
_VALUE = re.compile(r"[\t\x20-\x7e]*")
#: What frames the message or speaks of the connection is the platform's to say; and nobody here has a proxy
#: answer with another place of its own, which may be kept from callers.
_RESERVED = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-accel-redirect",
        "x-sendfile",
    }
)
#: These never have a body.
_BARE = frozenset({204, 205, 304})
_TYPES = {
    "text": "text/plain; charset=utf-8",
    "bytes": "application/octet-stream",
    "json": "application/json",
    "none": None,
}
_QUOTED_CHARACTERS = 100

Lines = tuple[tuple[str, str], ...]


class InvalidResponse(Exception):
    """What the script returned is no answer; the message names the part and the cure."""


def read_answer(words: bytes) -> HttpResponse:
    """Read a line of JSON, status and headers, and the body behind it.

    Raises InvalidResponse for what a script can have meant, untrusted.Refused for what no sound worker says.
    """
    line, _, body = words.partition(b"\n")
    if len(line) > HEAD_BYTES:
        # Objects take many times their JSON: a body's worth of it is not even read.
        raise untrusted.Refused("a head of that size")
    head = untrusted.read_json(line)
    if not isinstance(head, dict) or not isinstance(kind := head.get("kind"), str) or kind not in _TYPES:
        raise untrusted.Refused("not the head of an answer")
    status = _read_status(head.get("status"))
    lines = _read_lines(head.get("lines"))
    if status in _BARE and body:
        raise InvalidResponse(f"an answer of status {status} has no body: leave it out")
    default = None if status in _BARE else _TYPES[kind]
    return HttpResponse(status=status, headers=_add_type(lines, default), body=body)


def _read_status(value: Any) -> int:
    # JSON has one kind of number, and 200.0 is written as 200.
    if type(value) is not int or not 200 <= value <= 599:
        said = f"{value}" if isinstance(value, int | float) else "no number"
        raise InvalidResponse(f"status must be a whole number from 200 to 599, it is {said[:30]}")
    return value


def _read_lines(value: Any) -> Lines:
    if not isinstance(value, dict):
        raise untrusted.Refused("no header lines")
    lines = tuple(_read_line(line) for line in value.values())
    if len(lines) > MOST_LINES or sum(len(name) + len(text) for name, text in lines) > MOST_LINE_BYTES:
        raise InvalidResponse(
            f"headers have more than {MOST_LINES} lines or {MOST_LINE_BYTES} bytes: send fewer"
        )
    return lines


def _read_line(line: Any) -> tuple[str, str]:
    if not isinstance(line, dict):
        raise untrusted.Refused("no header line")
    name, text = line.get("name"), line.get("value")
    if not isinstance(name, str) or not isinstance(text, str):
        raise untrusted.Refused("no header line")
    _check(name, text)
    return name, text.strip()


def _check(name: str, text: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidResponse(
            f"{_quote(name)} is no name of a header: it has other than letters, digits and -"
        )
    if name.lower() in _RESERVED or name.lower().startswith("proxy-"):
        raise InvalidResponse(f"the header {_quote(name)} is the platform's to send: leave it out")
    if not _VALUE.fullmatch(text):
        raise InvalidResponse(
            f"the header {_quote(name)} must be printable ASCII without line breaks: encode what is not, "
            "as with encodeURIComponent"
        )


def _add_type(lines: Lines, default: str | None) -> Lines:
    """Say what the body is, unless the script did."""
    said = sum(name.lower() == "content-type" for name, _ in lines)
    if said > 1:
        raise InvalidResponse('the header "content-type" is given more than once: give it once')
    return lines if said or default is None else (*lines, ("content-type", default))


def _quote(name: str) -> str:
    """Write a name so that it is one line, whatever is in it."""
    text = name.encode("unicode_escape", "backslashreplace").decode("ascii")
    return f'"{text[:_QUOTED_CHARACTERS]}"'
