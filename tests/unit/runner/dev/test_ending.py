"""Exit codes, as a table."""

from signal import Signals

import pytest

from scriptorium_runner.dev import ending
from scriptorium_runner.dev.ending import Tally

FINE = {"is_once": True, "problems": 0, "failed": 0, "unfinished": 0}


@pytest.mark.parametrize(
    ("changes", "number", "code"),
    [
        ({}, None, 0),
        ({"failed": 1}, None, 1),
        ({"problems": 1}, None, 2),
        ({"problems": 1, "failed": 1}, None, 2),
        ({"unfinished": 1}, Signals.SIGINT, 130),
        ({"unfinished": 1, "problems": 1}, Signals.SIGTERM, 143),
        ({"failed": 1}, Signals.SIGINT, 1),
        ({"is_once": False, "failed": 1, "problems": 1}, None, 0),
        ({"is_once": False, "unfinished": 1}, Signals.SIGINT, 0),
    ],
)
def test_the_exit_code_follows_from_what_the_session_saw(
    changes: dict[str, int], number: Signals | None, code: int
) -> None:
    assert ending.decide_code(Tally(**(FINE | changes)), number) == code


def test_an_interruption_counts_what_it_cut_off() -> None:
    assert ending.describe_interruption(1) == "interrupted: 1 run had not ended"
    assert ending.describe_interruption(7) == "interrupted: 7 runs had not ended"
