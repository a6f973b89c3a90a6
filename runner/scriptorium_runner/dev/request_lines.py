"""Requests as a person likes to read them: one line each, and below it what went wrong. Pure."""

from datetime import datetime, tzinfo
from functools import lru_cache

from scriptorium_runner.dev import table
from scriptorium_runner.dev.table import Style
from scriptorium_runner.endpoints.endings import GONE, Ended

#: As much of an identifier as tells the requests of a session apart.
_ID_CHARACTERS = 8
#: A longer path is shown in part; the whole of it is in the history.
_MOST_PATH = 100
_MOST_DETAIL = 2000
#: What the status tells by itself, be it that there is nothing to tell.
_PLAIN_REJECTIONS = ("", "gone", "not_found")


def render_request(ended: Ended, style: Style, zone: tzinfo | None = None) -> str:
    """Give a request that ended: its line, then the error and the script's lines, indented.

    The time is that of the zone, by default of this machine.
    """
    call, work = ended.call, ended.entry.work if ended.entry is not None else None
    status = "gone" if ended.status == GONE else str(ended.status)
    cells = (
        _render_clock(ended.at.replace(microsecond=0), zone),
        table.clean(call.method).ljust(6),
        _shorten(table.clean(call.raw_path)).ljust(32),
        style.paint(_choose_colour(ended.status), status.ljust(4)),
        f"{ended.times.total * 1000:.1f} ms".rjust(9),
        (work.name if work is not None else "-").ljust(20),
        style.paint(table.DIM, call.id[:_ID_CHARACTERS]),
    )
    return "\n".join(["  ".join(cells), *(f"  {line}" for line in _render_details(ended, style))])


@lru_cache(2)
def _render_clock(second: datetime, zone: tzinfo | None) -> str:
    return f"{second.astimezone(zone):%H:%M:%S}"


def _render_details(ended: Ended, style: Style) -> list[str]:
    """Give the lines below: what the script wrote, and why there is no answer of its own."""
    lines = [table.render_log(each) for each in ended.result.logs] if ended.result is not None else []
    shown = [table.clean(line) for text in lines for line in text.splitlines()]
    if ended.result is not None and ended.result.error is not None:
        error = ended.result.error
        place = f" (line {error.line}, column {error.column})" if error.line else ""
        told = table.clean(f"{error.name}: {error.message}")[:_MOST_DETAIL]
        shown.append(style.paint(table.RED, told + place))
        shown += [style.paint(table.DIM, table.clean(frame.strip())) for frame in error.stack.splitlines()]
    elif ended.rejected not in _PLAIN_REJECTIONS:
        why = ended.rejected.replace("_", " ")
        cause = f": {table.clean(ended.cause)[:_MOST_DETAIL]}" if ended.cause else ""
        shown.append(style.paint(_choose_colour(ended.status), f"no script answered ({why}){cause}"))
    return shown


def _choose_colour(status: int) -> str:
    if status >= 500:
        return table.RED
    return table.YELLOW if status >= 400 else table.GREEN


def _shorten(path: str) -> str:
    return path if len(path) <= _MOST_PATH else f"{path[: _MOST_PATH - 3]}..."
