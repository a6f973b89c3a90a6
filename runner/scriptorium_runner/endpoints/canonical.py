"""The one form in which the path of a request is taken: pure.

Proxies, browsers and we have to read the same path alike, or else one of them guards what another does not
serve. So nothing is ever repaired here: a path that could be written in a more usual way, or that anything
before us may have understood otherwise, is none.

A path begins with a slash. Of its segments only the last may be empty, and none is "." or "..". What stands
in it is visible ASCII but for " # < > ? \\ ` { }, and escapes such as %C3%A9, which are UTF-8 all together
and never stand for a letter, a digit, one of . _ ~ -, a slash, a backslash or NUL.
"""

import re
from urllib.parse import unquote_to_bytes

_SEGMENT = re.compile(r"(?:[A-Za-z0-9!$&'()*+,.:;=@\[\]^_|~-]|%[0-9A-Fa-f]{2})*")
#: Escapes of what nobody escapes (RFC 3986, section 2.3), and of what ends a segment or a text for somebody.
_NEEDLESS = re.compile(r"%(?:3[0-9]|4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa]|2[DdEe]|5[Ff]|7[Ee])")
_SEPARATOR = re.compile(r"%(?:2[Ff]|5[Cc]|00)")
_DOTS = (".", "..")


def read_path(raw_path: str) -> tuple[str, ...] | None:
    """Give the decoded segments of a path as it was sent, without its query; None if it is not canonical.

    "/" has none, and "/a/" has "a" and an empty one.
    """
    if not raw_path.startswith("/"):
        return None
    if raw_path == "/":
        return ()
    *inner, last = raw_path[1:].split("/")
    if "" in inner:
        return None
    segments = [_read_segment(each) for each in (*inner, last)]
    known = tuple(each for each in segments if each is not None)
    return known if len(known) == len(segments) else None


def _read_segment(text: str) -> str | None:
    """Give a segment decoded; None if it is not canonical."""
    if text in _DOTS or not _SEGMENT.fullmatch(text):
        return None
    if "%" not in text:
        return text
    if _NEEDLESS.search(text) or _SEPARATOR.search(text):
        return None
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return None
