"""How an attempt's end is written down: as the run's end, or with another attempt after it. Pure."""

from datetime import datetime

from scriptorium_api.conditions import Finding, merge_conditions
from scriptorium_api.execution import Attempt, ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import PHASE_OF_END, Phase, Reason

_MOST_MESSAGE = 8192

#: A condition repeats the message, three times over; its beginning is enough there.
MOST_CONDITION_MESSAGE = 1024


def build_end(
    execution: ScriptExecution, reason: Reason, message: str | None, now: datetime
) -> ExecutionStatus:
    """Give the status of a run that is over for this reason; what its attempts left stays."""
    phase = PHASE_OF_END[reason]
    message = message[:_MOST_MESSAGE] if message else None
    return evolve(
        execution,
        phase=phase,
        reason=reason,
        message=message,
        completion_time=now,
        next_attempt_time=None,
        conditions=merge_conditions(
            execution.status.conditions,
            _findings(phase, reason, (message or "")[:MOST_CONDITION_MESSAGE]),
            execution.metadata.generation,
            now,
        ),
    )


def build_yield(own: ScriptExecution, first: str) -> ExecutionStatus:
    """Give the status of a run that yields to another: it ends at once, or where it was taken is stopped."""
    if own.status.attempt:
        return own.status.model_copy(update={"replaced_by": first})
    created = own.metadata.creation_timestamp
    assert created is not None, "the API server sets creationTimestamp"  # noqa: S101
    message = f"{first} had not ended, which was made at the same moment; concurrencyPolicy is Forbid"
    return build_end(own, Reason.CANCELLED, message, created)


def build_retrying(
    execution: ScriptExecution, reason: Reason, message: str | None, next_attempt: datetime
) -> ExecutionStatus:
    """Give the status of a run whose attempt failed for this reason and that has another before it."""
    retry = execution.spec.retry
    most = 1 + (retry.limit if retry else 0)
    attempt = f"attempt {execution.status.attempt} of {most} failed"
    told = f"{attempt}, the next is due at {next_attempt:%Y-%m-%dT%H:%M:%SZ}: {message or reason}"
    return evolve(
        execution,
        phase=Phase.PENDING,
        reason=Reason.RETRYING,
        message=told[:_MOST_MESSAGE],
        next_attempt_time=next_attempt,
        runner=None,
    )


def list_attempts(status: ExecutionStatus, reason: Reason, now: datetime) -> list[Attempt]:
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


def explain_cancel(execution: ScriptExecution) -> str:
    """Say why a run has to stop that is_cancelled."""
    if execution.status.replaced_by is not None:
        return f"{execution.status.replaced_by} takes its place; concurrencyPolicy lets one of them run"
    return "spec.cancel was set"


def evolve(execution: ScriptExecution, **changes: object) -> ExecutionStatus:
    """Give the run's status with some fields changed, speaking of the run as it is given."""
    known = {"observed_generation": execution.metadata.generation, "triggered_by": execution.trigger}
    return execution.status.model_copy(update=known | changes)


def _findings(phase: Phase, reason: Reason, message: str) -> list[Finding]:
    is_complete = phase is Phase.SUCCEEDED
    return [
        Finding(type="Complete", is_true=is_complete, reason=reason, message=message),
        Finding(type="Failed", is_true=not is_complete, reason=reason, message=message),
        Finding(type="Finished", is_true=True, reason=reason, message=message),
    ]
