"""JSON that a worker wrote, read as if an enemy had written it. Pure."""

import json
import math
from typing import Any

#: Deeper values would break whatever handles them next by recursion.
MAX_DEPTH = 200
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
#: What Kubernetes, and most others, read as an integer; beyond it all read a float.
_INTEGERS = range(-(2**63), 2**63)
#: So few characters are one of them, whatever they are.
_SURELY_INTEGER = 18


class Refused(ValueError):
    """This is not JSON, or it holds what must not get further."""


class TooDeep(Refused):
    """This is JSON, nested deeper than is safe to handle."""


def read_json(data: bytes) -> Any:
    """Parse one JSON value: no NaN, no Infinity, no lone surrogates, no deep nesting."""
    try:
        # From bytes, json would also take UTF-16 and surrogates.
        value = _DECODER.decode(data.decode())
    except RecursionError as error:
        raise TooDeep(_TOO_DEEP) from error
    except ValueError as error:
        raise Refused(str(error)) from error
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and is_deep(value):
        raise TooDeep(_TOO_DEEP)
    return _mend(value) if b"\\u" in data else value


def read_text(value: Any, limit: int) -> str:
    """Take a string, cut to a number of characters."""
    if not isinstance(value, str):
        raise Refused("not a string")
    return value[:limit]


def _refuse_constant(name: str) -> Any:
    raise Refused(name)


def _read_integer(text: str) -> int | float:
    if len(text) <= _SURELY_INTEGER:
        return int(text)
    number = _read_float(text)
    # Twenty digits are enough to see that it is no integer; thousands take long to read.
    return integer if len(text) <= 20 and (integer := int(text)) in _INTEGERS else number


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Refused(text)
    return number


#: Made once: to make one takes as long as to read a small report.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_read_float, parse_int=_read_integer)


def is_deep(value: Any, levels: int = MAX_DEPTH) -> bool:
    """Say whether a value is nested deeper than so many levels."""
    level = [value]
    for _ in range(levels + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _mend(value: Any) -> Any:
    """Replace lone surrogates, which are no characters and cannot be written as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mend(item) for item in value]
    if isinstance(value, dict):
        return {_mend(key): _mend(item) for key, item in value.items()}
    return value
