from datetime import timedelta

import pytest

from scriptorium_api.execution import ErrorInfo, Holder, ScriptExecution
from scriptorium_api.names import source_hash
from scriptorium_api.reasons import PHASE_OF_END, Phase, Reason
from scriptorium_api.script import Limits, ScriptStatus
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.decide import End, Start, Wait
from scriptorium_runner.executions.outcome import Outcome
from tests.support.makers import NOW, make_execution, make_script

HOLDER = Holder(pod="runner-1", uid="pod-1", start_id="a1")
START = Start(source="return 1", entrypoint=None, limits=Limits(), owner="o", timeout_seconds=30)


def claimed():  # type: ignore[no-untyped-def]
    execution = make_execution()
    status = statuses.build_claimed(execution, START, make_script(), HOLDER, NOW)
    return execution.model_copy(update={"status": status})


def test_a_claim_names_its_holder_the_attempt_and_the_source() -> None:
    status = claimed().status
    assert (status.phase, status.attempt, status.runner) == (Phase.RUNNING, 1, HOLDER)
    assert status.source_hash == source_hash("return 1")
    assert status.start_time == NOW


def test_a_claim_names_the_scripts_version_only_if_its_status_shows_that_source() -> None:
    current = ScriptStatus(version=7, source_hash=source_hash("return 1"))
    stale = ScriptStatus(version=6, source_hash=source_hash("return 0"))
    for status, version in ((current, 7), (stale, None)):
        script = make_script().model_copy(update={"status": status})
        built = statuses.build_claimed(make_execution(), START, script, HOLDER, NOW)
        assert built.script_version == version


def test_the_end_keeps_what_the_claim_wrote() -> None:
    outcome = Outcome(reason=Reason.COMPLETED, output={"a": None})
    settled = statuses.build_settled(claimed(), outcome, statuses.Times(NOW, NOW))
    assert (settled.runner, settled.attempt, settled.start_time) == (HOLDER, 1, NOW)
    assert settled.output == {"a": None}


@pytest.mark.parametrize(
    ("reason", "complete", "failed"),
    [
        (Reason.COMPLETED, "True", "False"),
        (Reason.SCRIPT_ERROR, "False", "True"),
        (Reason.TIMEOUT, "False", "True"),
        (Reason.CANCELLED, "False", "True"),
    ],
)
def test_conditions_tell_success_from_every_other_end(reason: Reason, complete: str, failed: str) -> None:
    settled = statuses.build_settled(claimed(), Outcome(reason=reason), statuses.Times(NOW, NOW))
    found = {condition.type: condition.status for condition in settled.conditions}
    assert found == {"Complete": complete, "Failed": failed, "Finished": "True"}


def test_every_reason_that_ends_a_run_has_a_terminal_phase() -> None:
    assert all(phase.is_terminal for phase in PHASE_OF_END.values())
    waiting = {Reason.QUEUED, Reason.RETRYING, Reason.RUNNING}
    assert set(Reason) - waiting == set(PHASE_OF_END)


def test_times_run_from_the_moment_the_run_was_seen() -> None:
    outcome = Outcome(
        reason=Reason.COMPLETED, started_at=NOW + timedelta(milliseconds=12), duration_ms=1234.5
    )
    settled = statuses.build_settled(claimed(), outcome, statuses.Times(NOW, NOW))
    assert (settled.start_latency_ms, settled.duration_ms, settled.duration) == (12, 1234, "1.2s")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0ms"), (999, "999ms"), (1000, "1.0s"), (59_940, "59.9s"), (123_000, "2m3s"), (3_900_000, "1h5m")],
)
def test_durations_are_written_for_people(milliseconds: int, text: str) -> None:
    assert statuses.format_duration(milliseconds) == text


def test_a_waiting_run_says_what_it_waits_for_and_stays_pending() -> None:
    status = statuses.build_waiting(make_execution(), Wait(Reason.SCRIPT_NOT_FOUND, "apply it", "hello"))
    assert (status.phase, status.reason, status.message) == (
        Phase.PENDING,
        Reason.SCRIPT_NOT_FOUND,
        "apply it",
    )


def test_a_run_that_never_started_has_an_end_but_no_start() -> None:
    status = statuses.build_unstarted_end(make_execution(), End(Reason.INPUT_INVALID, "too large"), NOW)
    assert (status.phase, status.start_time, status.completion_time) == (Phase.FAILED, None, NOW)


def test_a_run_whose_result_was_refused_fails_and_says_so_in_bounds() -> None:
    refused = statuses.build_refused(claimed(), "x" * 20_000, NOW)
    assert (refused.phase, refused.reason, refused.output) == (Phase.FAILED, Reason.ENGINE_CRASH, None)
    assert len(refused.message or "") <= 1024
    assert {condition.type: condition.status for condition in refused.conditions}["Complete"] == "False"


def retried(**retry: int) -> ScriptExecution:
    execution = make_execution(retry={"limit": 2} | retry)
    status = statuses.build_claimed(execution, START, make_script(), HOLDER, NOW)
    return execution.model_copy(update={"status": status})


def test_an_attempt_that_failed_is_kept_and_says_when_the_next_is_due() -> None:
    due = NOW + timedelta(seconds=10)
    outcome = Outcome(reason=Reason.SCRIPT_ERROR, message="Error: no")
    status = statuses.build_retrying(retried(), outcome, due, NOW + timedelta(seconds=1))
    assert (status.phase, status.reason, status.next_attempt_time) == (Phase.PENDING, Reason.RETRYING, due)
    assert status.runner is None
    assert "attempt 1 of 3 failed, the next is due at 2030-01-01T12:00:10Z: Error: no" in (
        status.message or ""
    )
    assert [each.to_wire() for each in status.attempts] == [
        {
            "number": 1,
            "startTime": "2030-01-01T12:00:00Z",
            "completionTime": "2030-01-01T12:00:01Z",
            "reason": "ScriptError",
            "runner": "runner-1",
        }
    ]


def test_the_last_attempt_is_kept_with_those_before_it() -> None:
    run = retried()
    for _ in range(2):
        waiting = statuses.build_retrying(run, Outcome(reason=Reason.TIMEOUT), NOW, NOW)
        run = run.model_copy(update={"status": waiting})
        claim = statuses.build_claimed(run, START, make_script(), HOLDER, NOW)
        run = run.model_copy(update={"status": claim})
    settled = statuses.build_settled(run, Outcome(reason=Reason.COMPLETED), statuses.Times(NOW, NOW))
    assert [(each.number, each.reason) for each in settled.attempts] == [
        (1, Reason.TIMEOUT),
        (2, Reason.TIMEOUT),
        (3, Reason.COMPLETED),
    ]
    assert settled.attempt == 3


def test_a_retry_that_is_handed_back_is_due_since_it_was_and_counts_no_attempt() -> None:
    run = retried()
    waiting = statuses.build_retrying(run, Outcome(reason=Reason.TIMEOUT), NOW, NOW)
    run = run.model_copy(update={"status": waiting})
    later = NOW + timedelta(seconds=99)
    run = run.model_copy(update={"status": statuses.build_claimed(run, START, make_script(), HOLDER, later)})
    returned = statuses.build_returned(run)
    assert (returned.reason, returned.attempt, len(returned.attempts)) == (Reason.RETRYING, 1, 1)
    assert returned.next_attempt_time == NOW


def test_a_run_that_is_cancelled_between_two_attempts_keeps_what_the_first_left() -> None:
    run = retried()
    error = ErrorInfo(name="Error", message="no")
    waiting = statuses.build_retrying(run, Outcome(reason=Reason.SCRIPT_ERROR, error=error), NOW, NOW)
    run = run.model_copy(update={"status": waiting})
    ended = statuses.build_unstarted_end(run, End(Reason.CANCELLED, "cancelled"), NOW)
    assert (ended.phase, ended.error, len(ended.attempts)) == (Phase.CANCELLED, error, 1)
    assert ended.next_attempt_time is None
