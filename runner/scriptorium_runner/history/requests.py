"""History on this machine: requests, in the same SQLite file as runs.

One thread writes, all that has come within a moment at once: no request ever waits for the disk.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.endings import Ended
from scriptorium_runner.history import database
from scriptorium_runner.history.database import HistoryError

#: Requests that are kept; older ones are dropped, so that a long dev session never fills the disk.
KEPT = 10_000

#: So long a row may wait for others: to write it alone costs a third of what it costs to answer a request.
_PAUSE_SECONDS = 0.1

#: A path and a message are their senders' choice; more of them helps nobody.
_MOST_CHARACTERS = 2000


@frozen(kw_only=True)
class RequestRow:
    """What is remembered of a request: never bodies, the query, headers."""

    time: str
    request_id: str
    method: str
    path: str
    status: int
    duration_ms: float
    namespace: str | None = None
    endpoint: str | None = None
    script: str | None = None
    script_version: int | None = None
    script_hash: str | None = None
    rejected: str | None = None
    """Why no script answered, in a word."""
    error: str | None = None
    error_message: str | None = None


_read_values = attrgetter(*(each.name for each in fields(RequestRow)))
_NAMES = ", ".join(each.name for each in fields(RequestRow))
_INSERT = f"INSERT INTO requests ({_NAMES}) VALUES "  # noqa: S608 - the names of our own fields.
_PLACES = f"({', '.join('?' for _ in fields(RequestRow))})"
#: With more places for values than that some builds of SQLite take no statement.
_ROWS_AT_ONCE = 999 // len(fields(RequestRow))
_READ = f"SELECT {_NAMES} FROM requests ORDER BY number DESC LIMIT ?"  # noqa: S608 - the same.
_FORGET = "DELETE FROM requests WHERE number <= (SELECT max(number) FROM requests) - ?"


class RequestHistory:
    """The requests of a folder's dev sessions."""

    def __init__(self, folder: Path, on_trouble: Callable[[HistoryError], None]) -> None:
        """`on_trouble` is told, in the writer's thread, that nothing can be written; raises HistoryError."""
        self._folder, self._on_trouble = folder, on_trouble
        self._database = database.open_database(folder)
        #: A disk that does not come along loses the rows that would make room for newer ones anyway.
        self._waiting: deque[RequestRow] = deque(maxlen=KEPT)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="request-history")
        self._is_asked = False
        #: Set when somebody waits for what is to be written.
        self._is_urgent = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End when all is written."""
        self._is_urgent.set()
        self._writer.shutdown()
        self._database.close()

    def record(self, ended: Ended) -> None:
        """Remember a request, soon."""
        self._waiting.append(build_row(ended))
        if not self._is_asked:
            self._is_asked = True
            self._writer.submit(self._write)

    async def read(self, limit: int) -> list[RequestRow]:
        """Give the latest requests, newest first, with all that were recorded before; raises HistoryError."""
        self._is_urgent.set()
        return await asyncio.wrap_future(self._writer.submit(self._read, limit))

    def _write(self) -> None:
        self._is_urgent.wait(_PAUSE_SECONDS)
        # Whoever comes from here on asks anew, so that nothing is left lying.
        self._is_asked = False
        rows: list[tuple[Any, ...]] = []
        with contextlib.suppress(IndexError):
            while True:
                rows.append(_read_values(self._waiting.popleft()))
        try:
            with database.telling_errors(self._folder), database.in_one_transaction(self._database):
                self._insert(rows)
                self._database.execute(_FORGET, (KEPT,))
        except HistoryError as error:
            self._on_trouble(error)

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        # With each statement this thread and the one that answers requests stop each other: many rows in one.
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[first : first + _ROWS_AT_ONCE]
            self._database.execute(_INSERT + ", ".join([_PLACES] * len(some)), [*chain.from_iterable(some)])

    def _read(self, limit: int) -> list[RequestRow]:
        self._is_urgent.clear()
        names = [each.name for each in fields(RequestRow)]
        with database.telling_errors(self._folder):
            found = self._database.execute(_READ, (limit,)).fetchall()
        return [RequestRow(**dict(zip(names, row, strict=True))) for row in found]


def build_row(ended: Ended) -> RequestRow:
    """Give what is remembered of a request."""
    entry, call = ended.entry, ended.call
    work = entry.work if entry is not None else None
    error = ended.result.error if ended.result is not None else None
    return RequestRow(
        time=ended.at.isoformat(timespec="milliseconds"),
        request_id=call.id,
        method=_tidy(call.method),
        path=_tidy(call.raw_path),
        status=ended.status,
        duration_ms=round(ended.times.total * 1000, 2),
        namespace=entry.endpoint.metadata.namespace if entry is not None else None,
        endpoint=entry.endpoint.metadata.name if entry is not None else None,
        script=work.name if work is not None else None,
        script_version=work.version if work is not None else None,
        script_hash=work.hash if work is not None else None,
        rejected=ended.rejected or None,
        # Without secrets: the trail of the run took them out.
        error=_tidy(error.name) if error is not None else None,
        error_message=_tidy(error.message) if error is not None else None,
    )


def _tidy(text: str) -> str:
    """Give a text that can be stored: whoever sent it may have put bytes into it that are no text."""
    short = text[:_MOST_CHARACTERS]
    return short if short.isascii() else short.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
