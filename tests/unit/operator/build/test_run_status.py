from datetime import timedelta

from scriptorium_api.execution import ExecutionStatus, Holder
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.build.run_status import build_failed, build_told
from tests.support.makers import NOW, make_execution

HOLDER = Holder(pod="pod-1", uid="uid", start_id="s")
RUNNING = ExecutionStatus(phase=Phase.RUNNING, reason=Reason.RUNNING, attempt=1, runner=HOLDER)
RETRY = {"retry": {"limit": 1, "backoffSeconds": 10}}


def test_a_pod_that_never_took_its_run_was_an_attempt() -> None:
    status = build_failed(make_execution(), Reason.POD_FAILED, "no image", NOW, 0)
    assert (status.phase, status.reason, status.message) == (Phase.FAILED, Reason.POD_FAILED, "no image")
    assert status.attempt == 1
    assert [(each.number, each.reason, each.runner) for each in status.attempts] == [(1, "PodFailed", None)]
    assert {each.type: each.status for each in status.conditions}["Finished"] == "True"


def test_a_pod_that_was_killed_ends_the_attempt_that_it_had_begun() -> None:
    status = build_failed(make_execution(status=RUNNING), Reason.POD_FAILED, "killed", NOW, 0)
    assert [(each.number, each.runner) for each in status.attempts] == [(1, "pod-1")]


def test_a_failed_pod_is_retried_as_the_run_says() -> None:
    status = build_failed(make_execution(status=RUNNING, **RETRY), Reason.POD_FAILED, "killed", NOW, 0)
    assert (status.phase, status.reason, status.runner) == (Phase.PENDING, Reason.RETRYING, None)
    assert status.next_attempt_time == NOW + timedelta(seconds=10)
    second = status.model_copy(update={"next_attempt_time": NOW})
    last = build_failed(make_execution(status=second, **RETRY), Reason.POD_FAILED, "killed", NOW, 0)
    assert last.phase is Phase.FAILED
    assert [each.number for each in last.attempts] == [1, 2]


def test_a_run_that_came_too_late_had_no_attempt() -> None:
    status = build_failed(make_execution(), Reason.START_DEADLINE_EXCEEDED, "late", NOW, 0)
    assert (status.phase, status.attempt, status.attempts) == (Phase.FAILED, 0, [])


def test_what_keeps_a_pod_is_told_while_the_run_waits() -> None:
    status = build_told(make_execution(), "no image")
    assert (status.phase, status.reason, status.message) == (Phase.PENDING, Reason.QUEUED, "no image")
