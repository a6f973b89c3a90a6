"""The prelude, as the one line of JavaScript that every fresh context evaluates first."""

import os

_FOLDER = os.path.dirname(__file__)


def squeeze(source: str) -> str:
    """Join all lines into one, leaving out blank lines and lines that are comments."""
    lines = (line.strip() for line in source.splitlines())
    return " ".join(line for line in lines if line and not line.startswith("//"))


def load_prelude(name: str = "prelude.js") -> str:
    """Read a file of the prelude and squeeze it: stack frames on line 1 are exactly the prelude's own."""
    with open(f"{_FOLDER}/{name}", encoding="utf-8") as file:
        return squeeze(file.read())
