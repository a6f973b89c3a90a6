"""The statuses of a run, from its claim to its end. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.execution import Attempt, ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.names import source_hash
from scriptorium_api.reasons import PHASE_OF_END, Phase, Reason
from scriptorium_api.script import Script
from scriptorium_runner.executions.decide import End, Start, Wait
from scriptorium_runner.executions.outcome import Outcome

_MOST_MESSAGE = 8192

#: A condition repeats the message, three times over; its beginning is enough there.
_MOST_CONDITION_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Times:
    """When the runner saw a run, and what time it is."""

    seen: datetime
    now: datetime


def build_waiting(execution: ScriptExecution, wait: Wait) -> ExecutionStatus:
    """Give the status of a run that cannot start yet."""
    return _evolve(execution, phase=Phase.PENDING, reason=wait.reason, message=wait.message)


def build_returned(execution: ScriptExecution) -> ExecutionStatus:
    """Give the status of a run that is handed back without having started."""
    former = execution.status
    is_retry = bool(former.attempts)
    return ExecutionStatus(
        observed_generation=execution.metadata.generation,
        reason=Reason.RETRYING if is_retry else Reason.QUEUED,
        triggered_by=former.triggered_by,
        attempt=len(former.attempts),
        attempts=former.attempts,
        next_attempt_time=former.next_attempt_time,
    )


def build_retrying(
    execution: ScriptExecution, outcome: Outcome, next_attempt: datetime, now: datetime
) -> ExecutionStatus:
    """Give the status of a run whose attempt failed and that has another before it.

    What the attempt left stays to be seen until the next one begins.
    """
    return _evolve(
        execution,
        phase=Phase.PENDING,
        reason=Reason.RETRYING,
        message=_describe_retry(execution, outcome, next_attempt),
        next_attempt_time=next_attempt,
        runner=None,
        **_leavings(execution, outcome, now),
    )


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
        triggered_by=execution.status.triggered_by,
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
    ended = _finish(execution, Outcome(reason=end.reason, message=end.message), now)
    return ended.model_copy(update={"duplicate_of": end.duplicate_of})


def build_settled(execution: ScriptExecution, outcome: Outcome, times: Times) -> ExecutionStatus:
    """Give the status of a run that has ended."""
    settled = _finish(execution, outcome, times.now).model_copy(
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
    message = f"the runner could not store the result: {problem}"[:_MOST_CONDITION_MESSAGE]
    return _finish(execution, Outcome(reason=Reason.ENGINE_CRASH, message=message), now)


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


def _finish(execution: ScriptExecution, outcome: Outcome, now: datetime) -> ExecutionStatus:
    phase = PHASE_OF_END[outcome.reason]
    message = outcome.message[:_MOST_MESSAGE] if outcome.message else None
    return _evolve(
        execution,
        phase=phase,
        reason=outcome.reason,
        message=message,
        completion_time=now,
        next_attempt_time=None,
        conditions=merge_conditions(
            execution.status.conditions,
            _findings(phase, outcome.reason, (message or "")[:_MOST_CONDITION_MESSAGE]),
            execution.metadata.generation,
            now,
        ),
    )


def _leavings(execution: ScriptExecution, outcome: Outcome, now: datetime) -> dict[str, Any]:
    """Give what an attempt leaves behind, whether or not another follows."""
    return {
        "output": outcome.output,
        "error": outcome.error,
        "logs": outcome.logs,
        "logs_truncated": outcome.logs_truncated,
        "logs_dropped": outcome.logs_dropped or None,
        "usage": outcome.usage,
        "attempts": _with_ended(execution.status, outcome.reason, now),
    }


def _with_ended(status: ExecutionStatus, reason: Reason, now: datetime) -> list[Attempt]:
    """Give the attempts with the current one as ended; a run that ends between two has no current one."""
    if status.attempt == len(status.attempts):
        return status.attempts
    ended = Attempt(
        number=status.attempt,
        start_time=status.start_time,
        completion_time=now,
        reason=reason,
        runner=status.runner.pod if status.runner else None,
    )
    return [*status.attempts, ended]


def _describe_retry(execution: ScriptExecution, outcome: Outcome, next_attempt: datetime) -> str:
    retry = execution.spec.retry
    most = 1 + (retry.limit if retry else 0)
    cause = outcome.message or outcome.reason
    attempt = f"attempt {execution.status.attempt} of {most} failed"
    return f"{attempt}, the next is due at {next_attempt:%Y-%m-%dT%H:%M:%SZ}: {cause}"[:_MOST_MESSAGE]


def _findings(phase: Phase, reason: Reason, message: str) -> list[Finding]:
    is_complete = phase is Phase.SUCCEEDED
    return [
        Finding(type="Complete", is_true=is_complete, reason=reason, message=message),
        Finding(type="Failed", is_true=not is_complete, reason=reason, message=message),
        Finding(type="Finished", is_true=True, reason=reason, message=message),
    ]


def _evolve(execution: ScriptExecution, **changes: object) -> ExecutionStatus:
    generation = {"observed_generation": execution.metadata.generation}
    return execution.status.model_copy(update=generation | changes)
