"""Logs as JSON lines on standard output: the runner's own events and what scripts wrote."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from scriptorium_api.execution import ExecutionStatus, ScriptExecution

_OWN_FIELDS = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One event a line; what was given in `extra` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one line of JSON."""
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in vars(record).items() if key not in _OWN_FIELDS}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def set_up_logs(level: str = "INFO") -> None:
    """Send every log to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def write_script_logs(execution: ScriptExecution, status: ExecutionStatus) -> None:
    """Write what a script logged to standard output, where a cluster's log collector finds it."""
    run = {
        "logger": "script",
        "namespace": execution.metadata.namespace,
        "execution": execution.metadata.name,
        "script": execution.spec.script_ref.name if execution.spec.script_ref else None,
    }
    for line in status.logs:
        sys.stdout.write(json.dumps(line.to_wire() | run) + "\n")
    sys.stdout.flush()
