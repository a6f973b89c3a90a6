"""History on this machine: finished runs in one SQLite file."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scriptorium_api.execution import ScriptExecution

#: Finished runs that are kept; older ones are dropped, so that a long dev session never fills the disk.
KEPT = 1000


class HistoryError(Exception):
    """The history cannot be opened or written."""


class History:
    """The finished runs of a folder's dev sessions."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "history.sqlite"
        schema = resources.files("scriptorium_runner.history").joinpath("schema.sql").read_text()
        with self._telling_errors(), contextlib.ExitStack() as opened:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._file, isolation_level=None)
            opened.callback(self._database.close)
            self._database.executescript(schema)
            opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def record(self, execution: ScriptExecution) -> None:
        """Remember a finished run; recording it twice changes nothing."""
        reference = execution.spec.script_ref
        row = (
            execution.metadata.uid,
            execution.metadata.namespace,
            execution.metadata.name,
            reference.name if reference else None,
            execution.status.phase,
            execution.status.reason,
            str(execution.status.completion_time),
            json.dumps(execution.to_wire()),
        )
        with self._telling_errors(), self._in_one_transaction():
            self._database.execute("INSERT OR IGNORE INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._database.execute(
                "DELETE FROM executions WHERE uid IN"
                " (SELECT uid FROM executions ORDER BY completed DESC LIMIT -1 OFFSET ?)",
                (KEPT,),
            )

    def read(self, limit: int = KEPT) -> list[dict[str, Any]]:
        """Give the latest finished runs, newest first."""
        rows = self._database.execute(
            "SELECT object FROM executions ORDER BY completed DESC LIMIT ?", (limit,)
        )
        return [json.loads(text) for (text,) in rows]

    @contextlib.contextmanager
    def _in_one_transaction(self) -> Iterator[None]:
        """One write to the disk, not one a statement; the connection ends it as the block ends."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            yield

    @contextlib.contextmanager
    def _telling_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            problem = error.strerror if isinstance(error, OSError) else error
            cure = "mend or remove it, or name another folder with --state"
            raise HistoryError(f"cannot keep the history in {self._file}: {problem}; {cure}") from error
