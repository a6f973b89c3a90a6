"""The console lines of a run, from what was found in the worker's pipe. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.engine import untrusted
from scriptorium_runner.engine.values import LogEntry

LEVELS = ("debug", "info", "warn", "error")
#: The end of 9999, in milliseconds: what comes after is no timestamp.
_LAST_MILLISECOND = 253_402_300_799_000
#: No worker writes more lines before its last limit ends it.
_MOST_LINES = 2**31


@frozen
class Tail:
    """The newest lines of a run."""

    lines: tuple[LogEntry, ...]
    is_cut: bool
    """Something is missing: lines, or a part of one."""
    dropped: int
    """How many lines are missing, by the worker's own count."""


_NOTHING = Tail((), is_cut=False, dropped=0)


def read_logs(pipe: bytes, limit: int) -> Tail:
    """Read the lines, newest last, that fit into `limit` bytes of JSON."""
    if not pipe:
        return _NOTHING
    entries: list[LogEntry] = []
    is_cut = not pipe.endswith(b"\n")
    count = 0
    for position, line in enumerate(pipe.split(b"\n")[:-1]):
        try:
            number, entry = _read_line(line)
        except untrusted.Refused:
            is_cut = True
            continue
        is_cut = is_cut or entry.is_cut or number != position
        count = number + 1
        entries.append(entry)
    kept, is_shortened = keep_newest(entries, limit)
    return Tail(kept, is_cut or is_shortened, max(0, count - len(kept)))


def _read_line(line: bytes) -> tuple[int, LogEntry]:
    value = untrusted.read_json(line)
    if not isinstance(value, list) or len(value) != 6:
        raise untrusted.Refused("not a console line")
    number, milliseconds, level, was_cut, message, data = value
    if level not in LEVELS or not (data is None or isinstance(data, list)):
        raise untrusted.Refused("not a console line")
    if not isinstance(number, int) or not 0 <= number < _MOST_LINES:
        raise untrusted.Refused("not a line's number")
    entry = LogEntry(
        level=level,
        message=untrusted.read_text(message, len(line)),
        timestamp=_timestamp(milliseconds),
        data=data,
        is_cut=bool(was_cut),
    )
    return number, entry


def _timestamp(milliseconds: Any) -> str:
    if not isinstance(milliseconds, int) or not 0 <= milliseconds <= _LAST_MILLISECOND:
        raise untrusted.Refused("not a time")
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def keep_newest(entries: Sequence[LogEntry], limit: int) -> tuple[tuple[LogEntry, ...], bool]:
    """Give the newest lines that fit into `limit` bytes of JSON, and whether anything is missing."""
    kept: list[LogEntry] = []
    room = limit
    for entry in reversed(entries):
        room -= measure(entry)
        if room < 0:
            break
        kept.insert(0, entry)
    if not kept and entries:
        return (_cut(entries[-1], limit),), True
    return tuple(kept), len(kept) < len(entries)


def measure(entry: LogEntry) -> int:
    """Say how many bytes of JSON an entry takes in a status."""
    fields = {name: value for name, value in asdict(entry).items() if value is not None and name != "is_cut"}
    return len(json.dumps(fields, ensure_ascii=False).encode())


def _cut(entry: LogEntry, limit: int) -> LogEntry:
    """Make a single line fit: without its data, and then only the beginning of its message."""
    without_data = replace(entry, data=None)
    excess = measure(without_data) - limit
    if excess <= 0:
        return without_data
    message = entry.message
    while message and excess > 0:
        # Every character takes at least one byte, so this never cuts too little for long.
        message = message[: max(len(message) - max(excess // 6, 1), 0)]
        excess = measure(replace(without_data, message=message)) - limit
    return replace(without_data, message=message, is_cut=True)
