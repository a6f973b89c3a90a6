"""What came of a run, in the API's words: the seam between the engine's results and a status."""

from dataclasses import field
from datetime import datetime
from typing import Any

from scriptorium_api.execution import ErrorInfo, LogLine, Usage
from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen


@frozen(kw_only=True)
class Outcome:
    """How a run ended."""

    reason: Reason
    message: str | None = None
    output: dict[str, Any] | None = None
    error: ErrorInfo | None = None
    logs: list[LogLine] = field(default_factory=list)
    logs_truncated: bool = False
    logs_dropped: int = 0
    usage: Usage | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
