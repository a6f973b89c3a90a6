from scriptorium_runner.host.http import circuits
from scriptorium_runner.host.http.circuits import FAILURES, PAUSE_SECONDS, Circuit, Phase


def fail(times: int, now: float = 0.0) -> Circuit:
    circuit = Circuit()
    for _ in range(times):
        circuit = circuits.note_failure(circuit, now)
    return circuit


def test_a_host_may_fail_a_few_times() -> None:
    assert circuits.decide_phase(fail(FAILURES - 1), 0.0) is Phase.CLOSED


def test_a_host_that_fails_too_often_is_left_alone() -> None:
    circuit = fail(FAILURES, now=100.0)
    assert circuits.decide_phase(circuit, 100.0) is Phase.OPEN
    assert circuits.decide_phase(circuit, 100.0 + PAUSE_SECONDS - 0.1) is Phase.OPEN
    assert circuits.seconds_left(circuit, 110.0) == PAUSE_SECONDS - 10


def test_an_answer_in_between_forgives_all() -> None:
    assert circuits.note_answer() == Circuit()


def test_after_the_pause_one_request_goes_through_and_no_second() -> None:
    circuit, later = fail(FAILURES), PAUSE_SECONDS
    assert circuits.decide_phase(circuit, later) is Phase.HALF_OPEN
    tried = circuits.note_start(circuit, later)
    assert circuits.decide_phase(tried, later) is Phase.OPEN


def test_a_trial_that_fails_begins_the_pause_anew() -> None:
    tried = circuits.note_start(fail(FAILURES), PAUSE_SECONDS)
    failed = circuits.note_failure(tried, PAUSE_SECONDS + 1)
    assert circuits.decide_phase(failed, 2 * PAUSE_SECONDS) is Phase.OPEN
    assert circuits.decide_phase(failed, 2 * PAUSE_SECONDS + 1) is Phase.HALF_OPEN


def test_a_trial_that_told_nothing_is_tried_again_at_once() -> None:
    tried = circuits.note_start(fail(FAILURES), PAUSE_SECONDS)
    assert circuits.decide_phase(circuits.note_nothing(tried), PAUSE_SECONDS) is Phase.HALF_OPEN


def test_a_trial_that_never_ended_does_not_shut_the_circuit_for_ever() -> None:
    tried = circuits.note_start(fail(FAILURES), PAUSE_SECONDS)
    assert circuits.decide_phase(tried, 2 * PAUSE_SECONDS) is Phase.HALF_OPEN


def test_a_start_changes_nothing_while_the_circuit_is_closed() -> None:
    assert circuits.note_start(Circuit(failures=2), 0.0) == Circuit(failures=2)
