"""Whether an attempt that ended is followed by another, and when. Pure."""

from datetime import datetime, timedelta

from scriptorium_api.execution import Retry, ScriptExecution
from scriptorium_api.reasons import RETRIED, Reason

#: The most that chance adds to a pause, as a part of it.
SPREAD = 0.25


def find_next_attempt(
    execution: ScriptExecution, reason: Reason, now: datetime, chance: float
) -> datetime | None:
    """Give when the attempt after the one that the status counts is due; None if this end is the last.

    `chance` is from 0 to 1.
    """
    retry = execution.spec.retry
    if retry is None or reason not in RETRIED or execution.is_cancelled:
        return None
    if execution.status.attempt > retry.limit:
        return None
    return now + timedelta(seconds=find_pause(retry, execution.status.attempt) * (1 + SPREAD * chance))


def find_pause(retry: Retry, attempt: int) -> float:
    """Give the pause after this attempt in seconds, but for what chance adds."""
    return min(retry.max_backoff_seconds, retry.backoff_seconds * 2.0 ** (attempt - 1))
