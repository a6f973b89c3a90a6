"""A run that ended is open no more, whatever happens when it is told."""

import sqlite3
from pathlib import Path

import pytest

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Reason
from scriptorium_runner.dev.ledger import Ledger
from scriptorium_runner.dev.screen import NobodyReads, Screen, ScreenError
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.history.database import HistoryError
from scriptorium_runner.history.sqlite import History
from tests.support.makers import NOW, make_execution


class FakeScreen(Screen):
    """Remembers the runs that were shown, or fails."""

    def __init__(self, error: ScreenError | None = None) -> None:
        self.shown: list[str] = []
        self._error = error

    def show(self, ended: ScriptExecution) -> None:
        if self._error is not None:
            raise self._error
        self.shown.append(ended.metadata.name)


def end(ledger: Ledger, reason: Reason = Reason.COMPLETED) -> None:
    execution = make_execution()
    ledger.enter(("team", "run-1"), execution)
    ledger.end(execution, statuses.build_settled(execution, Outcome(reason=reason), statuses.Times(NOW, NOW)))


def test_a_run_that_ended_is_shown_remembered_and_open_no_more(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        screen = FakeScreen()
        ledger = Ledger(screen, history)
        end(ledger)
        assert screen.shown == ["run-1"]
        assert len(history.read()) == 1
    assert not ledger.open
    assert ledger.idle.is_set()
    assert not ledger.stopping.is_set()


@pytest.mark.parametrize("error", [NobodyReads(), ScreenError("no space")])
def test_output_that_cannot_be_written_stops_the_session(tmp_path: Path, error: ScreenError) -> None:
    with History(tmp_path) as history:
        ledger = Ledger(FakeScreen(error), history)
        end(ledger)
    assert ledger.idle.is_set()
    assert ledger.stopping.is_set()
    assert ledger.trouble is error


def test_a_history_that_cannot_be_written_stops_the_session_after_the_run_is_shown(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        with sqlite3.connect(tmp_path / "history.sqlite") as other:
            other.execute("DROP TABLE executions")
        other.close()
        screen = FakeScreen()
        ledger = Ledger(screen, history)
        end(ledger)
    assert screen.shown == ["run-1"]
    assert ledger.idle.is_set()
    assert ledger.stopping.is_set()
    assert isinstance(ledger.trouble, HistoryError)
    assert "no such table" in str(ledger.trouble)


def test_what_the_end_of_the_session_cut_off_is_remembered_but_not_shown(tmp_path: Path) -> None:
    with History(tmp_path) as history:
        screen = FakeScreen()
        ledger = Ledger(screen, history)
        ledger.stopping.set()
        end(ledger, Reason.RUNNER_SHUTDOWN)
        assert not screen.shown
        assert len(history.read()) == 1
    assert ledger.failed == 0
