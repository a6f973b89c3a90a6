from datetime import timedelta

import pytest

from scriptorium_api.execution import ExecutionStatus, Retry
from scriptorium_api.reasons import Reason
from scriptorium_api.retry import find_next_attempt, find_pause
from tests.support.makers import NOW, make_execution


def next_attempt(
    attempt: int, reason: Reason = Reason.SCRIPT_ERROR, chance: float = 0, **spec: object
) -> object:
    status = ExecutionStatus(attempt=attempt)
    run = make_execution(status=status, **({"retry": {"limit": 3}} | spec))
    due = find_next_attempt(run, reason, NOW, chance)
    return due and (due - NOW) / timedelta(seconds=1)


def test_the_pause_doubles_up_to_the_longest() -> None:
    retry = Retry(limit=9, backoff_seconds=10, max_backoff_seconds=60)
    assert [find_pause(retry, attempt) for attempt in range(1, 6)] == [10, 20, 40, 60, 60]


def test_chance_adds_at_most_a_quarter() -> None:
    assert next_attempt(1, chance=0) == 10
    assert next_attempt(1, chance=1) == 12.5


def test_the_limit_counts_further_attempts() -> None:
    assert next_attempt(3) == 40
    assert next_attempt(4) is None


def test_without_retry_the_first_end_is_the_last() -> None:
    assert next_attempt(1, retry=None) is None
    assert next_attempt(1, retry={}) is None


def test_what_was_cancelled_is_not_tried_again() -> None:
    assert next_attempt(1, cancel=True) is None


@pytest.mark.parametrize(
    ("reason", "is_retried"),
    [
        (Reason.COMPLETED, False),
        (Reason.SCRIPT_ERROR, True),
        (Reason.SYNTAX_ERROR, False),
        (Reason.TIMEOUT, True),
        (Reason.MEMORY_LIMIT, False),
        (Reason.OUTPUT_LIMIT, False),
        (Reason.ENGINE_CRASH, True),
        (Reason.MEMORY_PRESSURE, True),
        (Reason.RUNNER_LOST, True),
        (Reason.RUNNER_SHUTDOWN, True),
        (Reason.CANCELLED, False),
    ],
)
def test_only_what_may_end_otherwise_is_tried_again(reason: Reason, is_retried: bool) -> None:
    assert (next_attempt(1, reason) is not None) is is_retried
