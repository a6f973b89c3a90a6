"""The status of a run whose own pod did not report."""

from datetime import datetime

from scriptorium_api import ending, retry
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase, Reason


def build_failed(
    execution: ScriptExecution, reason: Reason, message: str, now: datetime, chance: float
) -> ExecutionStatus:
    """Give the end of the attempt: the run's end, or, as spec.retry says, another attempt after it.

    An attempt whose pod failed counts, also if it never took the run. `chance` is from 0 to 1.
    """
    counted = _count_attempt(execution) if reason is Reason.POD_FAILED else execution
    attempts = {"attempts": ending.list_attempts(counted.status, reason, now)}
    if due := retry.find_next_attempt(counted, reason, now, chance):
        return ending.build_retrying(counted, reason, message, due).model_copy(update=attempts)
    return ending.build_end(counted, reason, message, now).model_copy(update=attempts)


def build_told(execution: ScriptExecution, message: str) -> ExecutionStatus:
    """Give the status of a run that waits for its pod, and why it has to."""
    return ending.evolve(execution, message=message[: ending.MOST_CONDITION_MESSAGE])


def _count_attempt(execution: ScriptExecution) -> ScriptExecution:
    if execution.status.phase is not Phase.PENDING:
        return execution
    status = execution.status.model_copy(
        update={"attempt": execution.status.attempt + 1, "start_time": None, "runner": None}
    )
    return execution.model_copy(update={"status": status})
