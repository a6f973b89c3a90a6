"""The wrapper that makes a source the body of an async function, and the way back to the author's own lines.
Pure.

The wrapper's opening is one line of its own, so the author's line is the engine's line - 1 and columns are
untouched, except that the engine counts bytes of UTF-8 and authors count UTF-16 units as their editors do.
"""

import functools
import re

#: Words that may not name a function inside a strict async function; everything else is left to the engine.
RESERVED = frozenset(
    """
    arguments await break case catch class const continue debugger default delete do else enum eval
    export extends false finally for function if implements import in instanceof interface let new null
    package private protected public return static super switch this throw true try typeof var void
    while with yield
    """.split()  # noqa: SIM905 - sixty quoted words are harder to read
)

#: "    at name (<input>:3:7)": a frame of a function, whose line 1 is the prelude or the wrapper.
_FRAME = re.compile(r"^(\s*at (.{0,300}?) \()<input>:(\d{1,9}):(\d{1,9})\)$")
#: "    at <input>:3:7" is not a frame: JSON.parse points into the text that it was given.
_TEXT_POSITION = re.compile(r"^\s*at <input>:(\d{1,9}):(\d{1,9})$")
_CLASS = re.compile(r"\bclass\b")
_NATIVE = re.compile(r"^\s*at .{0,300} \(native\)$")


def is_function_name(name: str) -> bool:
    """Say whether a name can stand in the wrapper: an identifier and nothing else."""
    return name.replace("$", "_").isidentifier() and name not in RESERVED


def wrap(source: str, entrypoint: str | None) -> str:
    """Make a source the body of an async function that hands out its entrypoint.

    The arrow is given away before the body runs and called after it, so an early `return` does not hide a
    declared function, and no text but a checked identifier gets into the wrapper.
    """
    find = f"arguments[0](()=>{entrypoint});" if entrypoint is not None else ""
    return f'(async function(){{"use strict";{find}\n{source}\n}})'


def locate_index(source: str, index: int) -> tuple[int, int]:
    """Name the line and column of a character."""
    start = source.rfind("\n", 0, index) + 1
    return source.count("\n", 0, index) + 1, _utf16_length(source[start:index]) + 1


class Source:
    """The author's lines, to which the engine's positions are translated."""

    def __init__(self, text: str) -> None:
        self._text = text

    @functools.cached_property
    def _lines(self) -> list[str]:
        # Most runs have no error, and need none of them.
        return self._text.split("\n")

    def locate(self, engine_line: int, engine_column: int) -> tuple[int, int]:
        """Translate a position, clamped into the source: an unclosed brace is found behind its last line."""
        line = max(engine_line - 1, 1)
        if line > len(self._lines):
            return len(self._lines), _utf16_length(self._lines[-1]) + 1
        before = self._lines[line - 1].encode("utf-8", "replace")[: max(engine_column - 1, 0)]
        return line, _utf16_length(before.decode("utf-8", "ignore")) + 1

    def locate_syntax_error(self, stack: str) -> tuple[int, int] | None:
        """Find the position that the parser names."""
        for text in stack.split("\n"):
            if found := _TEXT_POSITION.match(text):
                return self.locate(int(found[1]), int(found[2]))
        return None

    def _is_unwritten(self, name: str, position: tuple[int, int]) -> bool:
        """Say whether a frame is that of a constructor which nobody wrote: all that is known is its class's
        line."""
        line, column = position
        text = self._lines[line - 1]
        return column == 1 and name in text and _CLASS.search(text) is not None

    def translate_stack(self, stack: str) -> tuple[str, tuple[int, int] | None]:
        """Keep only the author's frames, in the author's numbering, and name the first one's position."""
        kept: list[str] = []
        first: tuple[int, int] | None = None
        for text in stack.split("\n"):
            if found := _FRAME.match(text):
                if int(found[3]) == 1:
                    _drop_natives(kept)
                    continue
                position = self.locate(int(found[3]), int(found[4]))
                if self._is_unwritten(found[2], position):
                    continue
                first = first or position
                kept.append(f"{found[1]}script:{position[0]}:{position[1]})")
            elif _NATIVE.match(text):
                kept.append(text)
        return "\n".join(kept), first


def _drop_natives(frames: list[str]) -> None:
    """Remove the engine's functions that the prelude itself called: they are no frames of the author's."""
    while frames and _NATIVE.match(frames[-1]):
        frames.pop()


def _utf16_length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
