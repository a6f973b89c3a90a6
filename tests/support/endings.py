"""Requests that ended, to start from; a test changes the one thing it is about."""

from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_runner.endpoints.calls import Answer
from scriptorium_runner.endpoints.endings import Ended, Times
from scriptorium_runner.endpoints.table import Entry, Work
from scriptorium_runner.endpoints.traces import Trace
from scriptorium_runner.engine import LogEntry, Result, ScriptError
from tests.support.callers import FixedSecrets, make_call
from tests.support.endpoints import make_endpoint
from tests.support.makers import NOW

TRACE_ID = "0" * 31 + "1"


def make_entry(**parts: Any) -> Entry:
    """Give an Endpoint with a Script that answers."""
    work = Work(prepared=None, uid="s-1", name="hello", hash="abc", version=3, context={})  # type: ignore[arg-type]
    known: dict[str, Any] = {
        "endpoint": make_endpoint(),
        "work": work,
        "max_body": 1024,
        "secrets": FixedSecrets(),
    }
    return Entry(**(known | parts))


def make_ended(**parts: Any) -> Ended:
    """Give a request that a script answered well."""
    known: dict[str, Any] = {
        "at": NOW,
        "call": make_call(),
        "trace": Trace(TRACE_ID, "0" * 15 + "1", "00"),
        "entry": make_entry(),
        "answer": Answer(200),
        "times": Times(total=0.0032),
    }
    return Ended(**(known | parts))


def make_failure(message: str = "no stock left", **parts: Any) -> Result:
    """Give the result of a script that threw."""
    error = ScriptError(name="TypeError", message=message, line=3, column=5)
    return Result(reason=Reason.SCRIPT_ERROR, error=error, duration_ms=1.0, started_at=NOW, **parts)


def make_success(*messages: str, data: list[Any] | None = None) -> Result:
    """Give the result of a script that wrote these lines."""
    stamp = "2030-01-01T12:00:00Z"
    logs = tuple(LogEntry(level="info", message=each, timestamp=stamp, data=data) for each in messages)
    return Result(reason=Reason.COMPLETED, logs=logs, duration_ms=1.0, started_at=NOW)
