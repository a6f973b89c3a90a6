"""JSON as the API server sends it, however deep a user nested it."""

import json
import re
from typing import Any

#: What is nested deeper becomes null: nothing here reads it, and Python's parser gives up at about 1,000.
DEEPEST = 200

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]')


def parse(data: bytes) -> Any:
    """Give the value of a JSON text; what is nested too deeply for Python is cut off at DEEPEST."""
    try:
        return json.loads(data)
    except RecursionError:
        return json.loads(prune(data))


def prune(data: bytes) -> bytes:
    """Give the JSON text with every value that is nested deeper than DEEPEST replaced by null."""
    kept, start, depth = bytearray(), 0, 0
    for token in _TOKEN.finditer(data):
        sign = token.group()
        if sign in b"[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += data[start : token.start()] + b"null"
        elif sign in b"]}":
            depth -= 1
            if depth == DEEPEST:
                start = token.end()
    return bytes(kept + data[start:])
