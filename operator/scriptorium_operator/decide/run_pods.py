"""What to do about a run that has a pod of its own: make its Job, tell what keeps it, or settle it. Pure."""

from datetime import datetime

from scriptorium_api import ending, names, time_limits
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.values import frozen
from scriptorium_operator.facts import RunPod, Trouble

#: Until a pod is looked at again that has not taken its run yet, and one that has: nobody tells of pods.
WAITING_SECONDS, RUNNING_SECONDS = 5.0, 30.0

#: While it waits for these, somebody has to mend something, and the runners say what.
_MENDABLE = (Reason.SCRIPT_NOT_FOUND, Reason.SCRIPT_SUSPENDED, Reason.SECRETS_PENDING)


@frozen
class Make:
    """The Job of this attempt has to be made; its script must start within so many seconds."""

    attempt: int
    start_seconds: float


@frozen
class Fail:
    """The attempt is over, for this reason; what is left of its Job goes."""

    reason: Reason
    message: str


@frozen
class Tell:
    """The pod cannot start, and whoever waits for it should know why."""

    message: str


@frozen
class Remove:
    """The run is over without its pod; that goes."""


@frozen
class Look:
    """Nothing to do for so many seconds."""

    seconds: float


@frozen
class Leave:
    """Nothing to do until something changes."""


#: The Job of a schedule that made a run, when there is nothing of it any more.
_GONE = RunPod(
    job_uid=None, is_over=True, trouble=Trouble("Gone", "the schedule's Job that was to run it is gone")
)

Decision = Make | Fail | Tell | Remove | Look | Leave


def find_attempt(execution: ScriptExecution) -> int:
    """Give the attempt that a pod is for: the one that a runner took last, else the next."""
    status = execution.status
    return status.attempt + (status.phase is Phase.PENDING or status.runner is None)


def find_unclaimed_attempt(execution: ScriptExecution) -> int | None:
    """Give the last attempt if it ended without a pod having taken it: its Job may still try."""
    attempts = execution.status.attempts
    return attempts[-1].number if attempts and attempts[-1].runner is None else None


def find_schedules_job(execution: ScriptExecution) -> str | None:
    """Give the Job of a schedule whose pod made the run, and makes its attempts as long as it lives."""
    return execution.spec.fired_by.job if execution.spec.fired_by else None


def has_pod_already(execution: ScriptExecution) -> bool:
    """Say whether the attempt is the first of a run that a schedule's Job is for: no other pod is made."""
    return find_schedules_job(execution) is not None and find_attempt(execution) == 1


def name_job(execution: ScriptExecution, attempt: int) -> str:
    """Give the name of the Job that this attempt begins in."""
    schedules = find_schedules_job(execution) if attempt == 1 else None
    return schedules or names.run_job_name(execution.metadata.uid, attempt)


def is_removable(execution: ScriptExecution, job: str, pod: RunPod | None) -> bool:
    """Say whether a Job is of no use any more: its pod never started.

    One that ended stays a while for its log; one of a schedule that runs may be at work for other slots.
    """
    if pod is None or pod.job_uid is None or pod.is_over:
        return False
    return not (pod.is_running and job == find_schedules_job(execution))


def decide_run(execution: ScriptExecution, pod: RunPod | None, now: datetime, *, can_start: bool) -> Decision:
    """Say what to do, given what there is of the attempt's Job and pod.

    `can_start` says that there is a Script for it, which is not suspended, and that scripts are switched on.
    """
    match execution.status.phase:
        case Phase.RUNNING:
            return _decide_running(execution, pod)
        case Phase.PENDING:
            return _decide_pending(execution, pod, now, can_start=can_start)
        case _:
            # A pod that took the run is about to end by itself.
            is_useless = pod is not None and not pod.is_over and execution.status.runner is None
            return Remove() if is_useless else Leave()


def _decide_running(execution: ScriptExecution, pod: RunPod | None) -> Decision:
    if pod is not None and not pod.is_over:
        return Look(RUNNING_SECONDS)
    trouble = pod.trouble if pod else None
    return _fail(execution, trouble or Trouble("Gone", "the pod that held the run is gone"))


def _decide_pending(
    execution: ScriptExecution, pod: RunPod | None, now: datetime, *, can_start: bool
) -> Decision:
    due = execution.status.next_attempt_time
    if due is not None and now < due:
        return Look((due - now).total_seconds())
    left = (time_limits.find_start_deadline(execution) - now).total_seconds()
    pod = pod or (_GONE if has_pod_already(execution) else None)
    if pod is None:
        is_wanted = can_start and left > 0 and not execution.is_cancelled
        return Make(find_attempt(execution), left) if is_wanted else Leave()
    if pod.is_over:
        return _fail(execution, pod.trouble or Trouble("Ended", "its pod ended without having taken the run"))
    if left <= 0:
        return _miss_deadline(execution, pod.trouble)
    if pod.trouble is not None and execution.status.message is None:
        return Tell(f"its pod cannot start yet: {pod.trouble}")
    return Look(min(WAITING_SECONDS, left))


def _miss_deadline(execution: ScriptExecution, trouble: Trouble | None) -> Decision:
    if execution.status.reason in _MENDABLE:
        return Leave()
    if trouble is not None:
        return _fail(execution, trouble)
    seconds = execution.spec.start_deadline_seconds
    return Fail(
        Reason.START_DEADLINE_EXCEEDED, f"its pod did not start within startDeadlineSeconds ({seconds} s)"
    )


def _fail(execution: ScriptExecution, trouble: Trouble) -> Fail:
    if execution.is_cancelled:
        return Fail(Reason.CANCELLED, f"{ending.explain_cancel(execution)}; its pod: {trouble}")
    return Fail(Reason.POD_FAILED, f"its pod failed: {trouble}")
