from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api.execution import Attempt, ExecutionStatus, Holder, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.decide.run_pods import (
    RUNNING_SECONDS,
    WAITING_SECONDS,
    Fail,
    Leave,
    Look,
    Make,
    Remove,
    Tell,
    decide_run,
    find_attempt,
)
from scriptorium_operator.facts import RunPod, Trouble
from tests.support.makers import NOW, make_execution

HOLDER = Holder(pod="pod", uid="uid", start_id="s")
FULL = Trouble("FailedCreate", "exceeded quota")
STARTING = RunPod(job_uid="j", is_over=False, trouble=None)
STUCK = RunPod(job_uid="j", is_over=False, trouble=FULL)
OVER = RunPod(job_uid="j", is_over=True, trouble=Trouble("OOMKilled", "pod p: exit code 137"))
LATE = NOW + timedelta(seconds=300)


def run(status: ExecutionStatus | None = None, **spec: Any) -> ScriptExecution:
    return make_execution(status=status, isolation="Pod", **spec)


RUNNING = ExecutionStatus(phase=Phase.RUNNING, reason=Reason.RUNNING, attempt=1, runner=HOLDER)
RETRYING = ExecutionStatus(
    reason=Reason.RETRYING,
    attempt=1,
    attempts=[Attempt(number=1, reason=Reason.POD_FAILED)],
    next_attempt_time=NOW + timedelta(seconds=7),
)


@pytest.mark.parametrize(
    ("execution", "pod", "wanted"),
    [
        (run(), None, Make(1, 300.0)),
        (run(cancel=True), None, Leave()),
        (run(), STARTING, Look(WAITING_SECONDS)),
        (run(startDeadlineSeconds=3), STARTING, Look(3.0)),
        (run(), STUCK, Tell("its pod cannot start yet: FailedCreate: exceeded quota")),
        (run(ExecutionStatus(message="told")), STUCK, Look(WAITING_SECONDS)),
        (run(), OVER, Fail(Reason.POD_FAILED, "its pod failed: OOMKilled: pod p: exit code 137")),
        (run(RUNNING), STARTING, Look(RUNNING_SECONDS)),
        (run(RUNNING), OVER, Fail(Reason.POD_FAILED, "its pod failed: OOMKilled: pod p: exit code 137")),
        (
            run(RUNNING),
            None,
            Fail(Reason.POD_FAILED, "its pod failed: Gone: the pod that held the run is gone"),
        ),
        (run(RETRYING), None, Look(7.0)),
    ],
)
def test_what_is_done_about_a_pod(execution: ScriptExecution, pod: RunPod | None, wanted: object) -> None:
    assert decide_run(execution, pod, NOW, can_start=True) == wanted


def test_no_pod_is_made_for_a_run_that_cannot_start() -> None:
    assert decide_run(run(), None, NOW, can_start=False) == Leave()


def test_no_pod_is_made_for_a_run_whose_time_to_start_is_over() -> None:
    assert decide_run(run(), None, LATE, can_start=True) == Leave()


def test_a_retry_gets_a_pod_of_its_own_when_it_is_due() -> None:
    made = decide_run(run(RETRYING), None, NOW + timedelta(seconds=7), can_start=True)
    assert made == Make(2, 300.0)


def test_a_pod_that_did_not_start_in_time_ends_its_run_with_what_kept_it() -> None:
    decision = decide_run(run(), STUCK, LATE, can_start=True)
    assert decision == Fail(Reason.POD_FAILED, "its pod failed: FailedCreate: exceeded quota")


def test_a_pod_of_which_nothing_bad_is_known_was_only_late() -> None:
    decision = decide_run(run(), STARTING, LATE, can_start=True)
    assert isinstance(decision, Fail)
    assert decision.reason is Reason.START_DEADLINE_EXCEEDED


def test_what_a_run_waits_for_is_told_by_the_runners_at_its_deadline() -> None:
    status = ExecutionStatus(reason=Reason.SCRIPT_NOT_FOUND, message="apply it")
    assert decide_run(run(status), STARTING, LATE, can_start=True) == Leave()


def test_a_cancelled_run_whose_pod_is_gone_was_cancelled() -> None:
    decision = decide_run(run(RUNNING, cancel=True), None, NOW, can_start=True)
    assert isinstance(decision, Fail)
    assert decision.reason is Reason.CANCELLED


def test_the_pod_of_a_run_that_ended_without_it_goes() -> None:
    ended = ExecutionStatus(phase=Phase.CANCELLED, reason=Reason.CANCELLED)
    assert decide_run(run(ended), STARTING, NOW, can_start=True) == Remove()
    assert decide_run(run(ended), OVER, NOW, can_start=True) == Leave()
    assert decide_run(run(ended), None, NOW, can_start=True) == Leave()


def test_a_pod_that_settled_its_run_ends_by_itself() -> None:
    ended = RUNNING.model_copy(update={"phase": Phase.SUCCEEDED, "reason": Reason.COMPLETED})
    assert decide_run(run(ended), STARTING, NOW, can_start=True) == Leave()


def test_which_attempt_a_pod_is_for() -> None:
    assert find_attempt(run()) == 1
    assert find_attempt(run(RUNNING)) == 1
    assert find_attempt(run(RETRYING)) == 2
