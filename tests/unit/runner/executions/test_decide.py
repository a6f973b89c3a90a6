from datetime import timedelta

from scriptorium_api.execution import Attempt, ExecutionStatus
from scriptorium_api.reasons import Reason
from scriptorium_runner.executions import decide
from scriptorium_runner.executions.decide import End, Source, Start, Values, Wait
from tests.support.makers import NOW, make_execution, make_script

SOURCE = Source("return 1")


def test_a_run_of_a_script_starts_with_the_scripts_source_limits_and_entrypoint() -> None:
    script = make_script(source="return 1", entrypoint="main", limits={"memoryMB": 64})
    decision = decide.decide_start(make_execution(), script, SOURCE, NOW)
    assert isinstance(decision, Start)
    assert (decision.source, decision.entrypoint, decision.limits.memory_mb) == ("return 1", "main", 64)
    assert decision.owner == "script-hello"


def test_a_run_may_shorten_the_scripts_timeout_but_not_lengthen_it() -> None:
    script = make_script(source="return 1", limits={"timeoutSeconds": 10})
    for asked, given in ((3, 3), (60, 10)):
        decision = decide.decide_start(make_execution(timeoutSeconds=asked), script, SOURCE, NOW)
        assert isinstance(decision, Start)
        assert decision.timeout_seconds == given


def test_a_run_with_its_own_source_belongs_to_nobody_else() -> None:
    execution = make_execution(scriptRef=None, source="return 2")
    decision = decide.decide_start(execution, None, Source("return 2"), NOW)
    assert isinstance(decision, Start)
    assert decision.owner == "run-1"


def test_a_run_waits_for_a_script_that_does_not_exist() -> None:
    decision = decide.decide_start(make_execution(), None, Source(None), NOW)
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.SCRIPT_NOT_FOUND
    assert 'Script "hello" does not exist' in decision.message


def test_a_run_of_a_schedule_that_does_not_exist_waits_and_never_runs_nothing() -> None:
    execution = make_execution(scriptRef=None, cronScriptRef={"name": "nightly"})
    decision = decide.decide_start(execution, None, Source(None), NOW)
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.SCRIPT_NOT_FOUND
    assert 'CronScript "nightly" does not exist' in decision.message


def test_a_run_waits_for_a_source_that_is_missing_and_says_where() -> None:
    decision = decide.decide_start(make_execution(), make_script(), Source(None, "no ConfigMap"), NOW)
    assert decision == Wait(Reason.SCRIPT_NOT_FOUND, "no ConfigMap", "hello")


def test_a_run_waits_while_its_script_is_suspended() -> None:
    script = make_script(source="return 1", suspend=True)
    decision = decide.decide_start(make_execution(), script, SOURCE, NOW)
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.SCRIPT_SUSPENDED


def test_a_run_that_waited_too_long_fails_for_what_it_waited_for() -> None:
    execution = make_execution(startDeadlineSeconds=60)
    decision = decide.decide_start(execution, None, Source(None), NOW + timedelta(seconds=60))
    assert isinstance(decision, End)
    assert decision.reason is Reason.SCRIPT_NOT_FOUND
    assert "60 s" in decision.message


def test_a_run_that_found_no_room_in_time_fails_with_that_reason() -> None:
    late = NOW + timedelta(seconds=301)
    decision = decide.decide_start(make_execution(), make_script(), SOURCE, late)
    assert isinstance(decision, End)
    assert decision.reason is Reason.START_DEADLINE_EXCEEDED


def test_where_scripts_are_switched_off_a_run_waits_and_is_told_so() -> None:
    start = decide.decide_start(make_execution(), make_script(), SOURCE, NOW)
    held = decide.hold_back(make_execution(), start)
    assert isinstance(held, Wait)
    assert (held.reason, held.script) == (Reason.QUEUED, "hello")
    assert "SCRIPTS_ENABLED" in held.message


def test_where_scripts_are_switched_off_a_retry_stays_one() -> None:
    attempts = [Attempt(number=1, reason=Reason.TIMEOUT)]
    retried = make_execution(status=ExecutionStatus(reason=Reason.RETRYING, attempt=1, attempts=attempts))
    held = decide.hold_back(retried, decide.decide_start(retried, make_script(), SOURCE, NOW))
    assert isinstance(held, Wait)
    assert held.reason is Reason.RETRYING


def test_where_scripts_are_switched_off_a_missed_deadline_is_not_for_want_of_room() -> None:
    late = NOW + timedelta(seconds=301)
    end = decide.decide_start(make_execution(), make_script(), SOURCE, late)
    held = decide.hold_back(make_execution(), end)
    assert isinstance(held, End)
    assert held.reason is Reason.START_DEADLINE_EXCEEDED
    assert "switched off" in held.message
    assert "room" not in held.message
    assert "300 s" in held.message


def test_where_scripts_are_switched_off_all_else_is_as_ever() -> None:
    for execution in (make_execution(cancel=True), make_execution(input={"text": "x" * 70_000})):
        decision = decide.decide_start(execution, make_script(), SOURCE, NOW)
        assert isinstance(decision, End)
        assert decide.hold_back(execution, decision) == decision
    missing = decide.decide_start(make_execution(), None, Source(None), NOW)
    assert decide.hold_back(make_execution(), missing) == missing


def test_a_run_cancelled_before_its_start_never_starts() -> None:
    decision = decide.decide_start(make_execution(cancel=True), make_script(), SOURCE, NOW)
    assert isinstance(decision, End)
    assert decision.reason is Reason.CANCELLED


def test_input_that_is_too_large_ends_the_run_and_names_both_sizes() -> None:
    execution = make_execution(input={"text": "é" * 40_000})
    decision = decide.decide_start(execution, make_script(), SOURCE, NOW)
    assert isinstance(decision, End)
    assert decision.reason is Reason.INPUT_INVALID
    assert "80011" in decision.message
    assert "65536" in decision.message


def test_input_of_the_largest_size_is_taken() -> None:
    execution = make_execution(input={"text": "x" * (65536 - len('{"text":""}'))})
    assert isinstance(decide.decide_start(execution, make_script(), SOURCE, NOW), Start)


def test_input_that_is_nested_too_deeply_ends_the_run() -> None:
    nested: dict[str, object] = {}
    for _ in range(160):
        nested = {"x": nested}
    decision = decide.decide_start(make_execution(input=nested), make_script(), SOURCE, NOW)
    assert isinstance(decision, End)
    assert decision.reason is Reason.INPUT_INVALID
    assert "nested deeper" in decision.message


def test_a_run_starts_with_the_values_of_its_script_and_shows_them_to_nobody() -> None:
    values = Values({"KEY": "hush"})
    decision = decide.decide_start(make_execution(), make_script(), SOURCE, NOW, values)
    assert isinstance(decision, Start)
    assert decision.env == {"KEY": "hush"}
    assert "hush" not in repr((values, decision))


def test_a_run_waits_for_a_value_that_is_missing() -> None:
    values = Values(problem="no value yet for env.KEY")
    decision = decide.decide_start(make_execution(), make_script(), SOURCE, NOW, values)
    assert decision == Wait(Reason.SECRETS_PENDING, "no value yet for env.KEY", "hello")


def test_what_is_missing_of_the_script_itself_is_told_before_its_values() -> None:
    values = Values(problem="no value yet for env.KEY")
    script = make_script(source="return 1", suspend=True)
    decision = decide.decide_start(make_execution(), script, SOURCE, NOW, values)
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.SCRIPT_SUSPENDED


def test_a_run_that_waited_too_long_for_a_value_fails_for_it() -> None:
    values, late = Values(problem="no value yet for env.KEY"), NOW + timedelta(seconds=300)
    decision = decide.decide_start(make_execution(), make_script(), SOURCE, late, values)
    assert isinstance(decision, End)
    assert decision.reason is Reason.SECRETS_PENDING
    assert "env.KEY" in decision.message
    assert "300 s" in decision.message
