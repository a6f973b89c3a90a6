from datetime import timedelta
from typing import Any

from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions.duplicates import find_first
from tests.support.makers import NOW, make_execution


def keyed(uid: str, seconds: float = 0, **spec: Any) -> ScriptExecution:
    created = NOW + timedelta(seconds=seconds)
    return make_execution(uid, created=created, **({"idempotencyKey": "order-1"} | spec))


def first_of(execution: ScriptExecution, *others: ScriptExecution) -> str | None:
    first = find_first(execution, [execution, *others])
    return first.metadata.name if first else None


def test_the_earlier_is_the_first() -> None:
    early, late = keyed("b"), keyed("a", seconds=1)
    assert first_of(late, early) == "b"
    assert first_of(early, late) is None


def test_within_one_second_the_uid_decides() -> None:
    assert first_of(keyed("b"), keyed("a")) == "a"
    assert first_of(keyed("a"), keyed("b")) is None


def test_of_several_the_very_first_is_named() -> None:
    assert first_of(keyed("c", 2), keyed("b", 1), keyed("a", 0)) == "a"


def test_another_key_or_another_script_is_another_matter() -> None:
    assert first_of(keyed("b", 1), keyed("a", idempotencyKey="order-2")) is None
    assert first_of(keyed("b", 1), keyed("a", scriptRef={"name": "other"})) is None


def test_a_key_is_free_again_after_a_day() -> None:
    day = 24 * 3600
    assert first_of(keyed("b", day), keyed("a")) == "a"
    assert first_of(keyed("b", day + 1), keyed("a")) is None


def test_a_run_that_has_started_is_the_first_whatever_the_clocks_say() -> None:
    status = ExecutionStatus(phase=Phase.RUNNING, reason=Reason.RUNNING, attempt=1)
    started = keyed("z", seconds=3).model_copy(update={"status": status})
    assert first_of(keyed("a"), started) == "z"


def test_a_run_that_was_a_duplicate_itself_is_nobodys_first() -> None:
    status = ExecutionStatus(phase=Phase.CANCELLED, reason=Reason.DUPLICATE)
    duplicate = keyed("a").model_copy(update={"status": status})
    assert first_of(keyed("b", 1), duplicate) is None
