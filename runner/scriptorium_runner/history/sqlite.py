"""History on this machine: finished runs in one SQLite file."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.history import database

#: Finished runs that are kept; older ones are dropped, so that a long dev session never fills the disk.
KEPT = 1000


class History:
    """The finished runs of a folder's dev sessions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = database.open_database(folder)

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
        with database.telling_errors(self._folder), database.in_one_transaction(self._database):
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
