"""The statuses of a run, from its claim to its end. Pure."""

from datetime import datetime, timedelta
from typing import Any

from scriptorium_api import ending
from scriptorium_api.execution import ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.names import source_hash
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.executions.decide import End, Start, Wait
from scriptorium_runner.executions.outcome import Outcome


@frozen
class Times:
    """When the runner saw a run, and what time it is."""

    seen: datetime
    now: datetime


def build_waiting(execution: ScriptExecution, wait: Wait) -> ExecutionStatus:
    """Give the status of a run that cannot start yet."""
    return ending.evolve(execution, phase=Phase.PENDING, reason=wait.reason, message=wait.message)


def build_let_go(execution: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run that waits for nothing but its turn: nothing is to be said of it."""
    return ending.evolve(execution, message=None)


def build_returned(execution: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run that is handed back without having started."""
    former = execution.status
    is_retry = bool(former.attempts)
    return ExecutionStatus(
        observed_generation=execution.metadata.generation,
        reason=Reason.RETRYING if is_retry else Reason.QUEUED,
        triggered_by=execution.trigger,
        attempt=len(former.attempts),
        attempts=former.attempts,
        next_attempt_time=former.next_attempt_time,
        replaced_by=former.replaced_by,
    )


def build_retrying(
    execution: ScriptExecution, outcome: Outcome, next_attempt: datetime, now: datetime
) -> ExecutionStatus:
    """Give the status of a run whose attempt failed and that has another before it.

    What the attempt left stays to be seen until the next one begins.
    """
    retrying = ending.build_retrying(execution, outcome.reason, outcome.message, next_attempt)
    return retrying.model_copy(update=_leavings(execution, outcome, now))


def build_claimed(
    execution: ScriptExecution, start: Start, script: Script | None, holder: Holder, now: datetime
) -> ExecutionStatus:
    """Give the status of a run that this runner takes."""
    found = source_hash(start.source)
    version = script.status.version if script and script.status.source_hash == found else None
    return ExecutionStatus(
        observed_generation=execution.metadata.generation,
        phase=Phase.RUNNING,
        reason=Reason.RUNNING,
        triggered_by=execution.trigger,
        attempt=execution.status.attempt + 1,
        attempts=execution.status.attempts,
        # Kept until the end of the attempt: a retry that is handed back is still due since then.
        next_attempt_time=execution.status.next_attempt_time,
        runner=holder,
        start_time=now,
        source_hash=found,
        script_version=version or None,
    )


def build_unstarted_end(execution: ScriptExecution, end: End, now: datetime) -> ExecutionStatus:
    """Give the status of a run that ends without having started; what an earlier attempt left stays."""
    ended = ending.build_end(execution, end.reason, end.message, now)
    return ended.model_copy(update={"duplicate_of": end.duplicate_of})


def build_settled(execution: ScriptExecution, outcome: Outcome, times: Times) -> ExecutionStatus:
    """Give the status of a run that has ended."""
    settled = ending.build_end(execution, outcome.reason, outcome.message, times.now).model_copy(
        update=_leavings(execution, outcome, times.now)
    )
    if outcome.started_at is None or outcome.duration_ms is None:
        return settled
    latency = (outcome.started_at - times.seen) / timedelta(milliseconds=1)
    duration = round(outcome.duration_ms)
    return settled.model_copy(
        update={
            "duration_ms": duration,
            "duration": format_duration(duration),
            "start_latency_ms": max(0, round(latency)),
        }
    )


def build_refused(execution: ScriptExecution, problem: str, now: datetime) -> ExecutionStatus:
    """Give the end of a run whose own result the API server refused: it has no other."""
    message = f"the runner could not store the result: {problem}"[: ending.MOST_CONDITION_MESSAGE]
    return ending.build_end(execution, Reason.ENGINE_CRASH, message, now)


def format_duration(milliseconds: int) -> str:
    """Write a duration as people read it: 12ms, 1.4s, 2m3s, 1h5m."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{minutes}m{rest}s" if hours == 0 else f"{hours}h{minutes_left}m"


def _leavings(execution: ScriptExecution, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Give what an attempt leaves behind, whether or not another follows."""
    return {
        "output": outcome.output,
        "error": outcome.error,
        "logs": outcome.logs,
        "logs_truncated": outcome.logs_truncated,
        "logs_dropped": outcome.logs_dropped or None,
        "usage": outcome.usage,
        "attempts": ending.list_attempts(execution.status, outcome.reason, now),
    }
