from datetime import timedelta

import pytest

from scriptorium_api.execution import Holder
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
    waiting = {Reason.QUEUED, Reason.RUNNING}
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
