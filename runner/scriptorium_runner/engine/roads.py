"""Which of the globals that reach beyond a script its source can name. Pure.

A source that has none of these words cannot: eval is not there, strict code has no `this`.
"""

_TO_ALL = ("globalThis", "\\u")
_TO_UTILS = ("utils", *_TO_ALL)
_TO_CALLS = ("http", "scripts", *_TO_UTILS)


def may_use_utils(source: str) -> bool:
    """Say whether a source has a road to the global `utils`."""
    return any(road in source for road in _TO_UTILS)


def may_call(source: str) -> bool:
    """Say whether a source has a road to a global that makes host calls."""
    return any(road in source for road in _TO_CALLS)
