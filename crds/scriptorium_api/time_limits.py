"""How long a run may wait and last: what its spec and its Script's limits come to. Pure."""

from datetime import datetime, timedelta

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.script import Limits


def find_start_deadline(execution: ScriptExecution) -> datetime:
    """Give the moment after which the run, or its next attempt, may not start any more."""
    begun = execution.status.next_attempt_time or execution.metadata.creation_timestamp
    assert begun is not None, "the API server sets creationTimestamp"  # noqa: S101
    return begun + timedelta(seconds=execution.spec.start_deadline_seconds)


def find_timeout(execution: ScriptExecution, limits: Limits) -> int:
    """Give how many seconds an attempt may last: a run can shorten its Script's limit, never lengthen it."""
    return min(limits.timeout_seconds, execution.spec.timeout_seconds or limits.timeout_seconds)
