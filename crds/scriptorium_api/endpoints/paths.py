"""The paths of Endpoints, as manifests write them: pure, for the model, the operator and the runner alike.

    /                      exactly the root
    /orders/{id}           one parameter: any one segment
    /files/{path...}       a wildcard: one segment or more, and the empty rest of /files/

A segment is letters, digits, and . _ ~ - (never . or .. alone): what every ingress controller, proxy and
browser leaves as it is. Where several patterns match a path, the most specific answers: segment by segment
from the left a literal beats a parameter, and a parameter beats a wildcard.
"""

import re
from enum import IntEnum

from scriptorium_api.values import frozen

MAX_PATH = 512
MAX_SEGMENTS = 32

_LITERAL = "[A-Za-z0-9._~-]+"
_NAME = "[A-Za-z_][A-Za-z0-9_]{0,62}"
#: All of a pattern, in what Python's and the API server's expressions have in common.
SHAPE = rf"^/$|^(/({_LITERAL}|[{{]{_NAME}[}}]))+(/[{{]{_NAME}[.][.][.][}}])?$|^/[{{]{_NAME}[.][.][.][}}]$"

IS_NONE = (
    "must be a path such as /orders, /orders/{id} or /files/{path...}: segments of letters, digits and "
    ". _ ~ -, or {name}; {name...} only at the end; no slash at the end"
)
HAS_DOTS = "must not have . or .. as a segment"
IS_DEEP = f"must have at most {MAX_SEGMENTS} segments"
NAMES_TWICE = "must not name two parameters alike"


class Part(IntEnum):
    """What a segment of a pattern is; the smaller is the more specific."""

    LITERAL = 0
    PARAMETER = 1
    WILDCARD = 2


@frozen
class Segment:
    """One segment of a pattern."""

    part: Part
    text: str
    """The literal, or the parameter's name."""


@frozen
class Pattern:
    """A path with parameters; without segments it is the root."""

    segments: tuple[Segment, ...]

    @property
    def identity(self) -> str:
        """Give what patterns that match the same paths share: the pattern without its parameters' names."""
        signs = {Part.PARAMETER: "{}", Part.WILDCARD: "{...}"}
        return "/" + "/".join(signs.get(each.part, each.text) for each in self.segments)

    @property
    def literal_prefix(self) -> str:
        """Give the path up to the first parameter, as an Ingress can hold it."""
        literals: list[str] = []
        for each in self.segments:
            if each.part is not Part.LITERAL:
                break
            literals.append(each.text)
        return "/" + "/".join(literals)


def parse_pattern(text: str) -> Pattern:
    """Read a pattern; raises ValueError, whose message says what to write instead."""
    if problem := find_path_problem(text):
        raise ValueError(f"path {problem}")
    return Pattern(tuple(_read_segment(each) for each in text.split("/")[1:] if each))


def find_path_problem(text: str) -> str | None:
    """Say what keeps a text from being a pattern; None if nothing does."""
    if len(text) > MAX_PATH or "\n" in text or not re.match(SHAPE, text):
        return IS_NONE
    segments = text.split("/")[1:]
    if any(each in (".", "..") for each in segments):
        return HAS_DOTS
    if len(segments) > MAX_SEGMENTS:
        return IS_DEEP
    names = [each.text for each in map(_read_segment, segments) if each.part is not Part.LITERAL]
    return NAMES_TWICE if len(names) != len(set(names)) else None


def _read_segment(text: str) -> Segment:
    if not text.startswith("{"):
        return Segment(Part.LITERAL, text)
    name = text[1:-1]
    if name.endswith("..."):
        return Segment(Part.WILDCARD, name[:-3])
    return Segment(Part.PARAMETER, name)
