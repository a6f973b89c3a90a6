"""The form of our log lines: JSON with fixed names, since collectors and people search by them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

#: What every record has; all else came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One record, one line: timestamp, level, logger, message, what was given as `extra`, and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one line of JSON."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | list_facts(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def list_facts(record: logging.LogRecord) -> dict[str, Any]:
    """Give what a record was given as `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def set_up_logs(level: str = "INFO") -> None:
    """Send every log of this process to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
