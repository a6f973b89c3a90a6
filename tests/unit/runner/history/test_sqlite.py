import contextlib
import sqlite3
from pathlib import Path

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.history import sqlite
from scriptorium_runner.history.database import HistoryError
from tests.support.makers import NOW, make_execution


def ended(uid: str):  # type: ignore[no-untyped-def]
    execution = make_execution(uid)
    status = statuses.build_settled(execution, Outcome(reason=Reason.COMPLETED), statuses.Times(NOW, NOW))
    return execution.model_copy(update={"status": status})


def test_what_was_recorded_is_there_in_the_next_session(tmp_path: Path) -> None:
    with sqlite.History(tmp_path / "state") as history:
        history.record(ended("run-1"))
    with sqlite.History(tmp_path / "state") as history:
        (found,) = history.read()
    assert found["metadata"]["uid"] == "run-1"
    assert found["status"]["phase"] == "Succeeded"


def test_no_write_waits_for_the_disk_and_one_file_is_left(tmp_path: Path) -> None:
    with sqlite.History(tmp_path) as history:
        history.record(ended("run-1"))
        assert (tmp_path / "history.sqlite-wal").stat().st_size > 0
    assert [each.name for each in tmp_path.iterdir()] == ["history.sqlite"]


def test_recording_twice_changes_nothing(tmp_path: Path) -> None:
    with sqlite.History(tmp_path) as history:
        history.record(ended("run-1"))
        history.record(ended("run-1"))
        assert len(history.read()) == 1


def test_the_oldest_runs_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "KEPT", 3)
    with sqlite.History(tmp_path) as history:
        for number in range(5):
            history.record(ended(f"run-{number}"))
        assert len(history.read(limit=10)) == 3


@pytest.mark.parametrize("content", ["no database", None])
def test_a_history_that_is_none_is_told_with_its_place_and_the_cure(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "history.sqlite"
    file.write_text(content) if content else file.mkdir()
    with pytest.raises(HistoryError, match=f"{file}: .*; mend or remove it, or name another folder"):
        sqlite.History(tmp_path)


def test_a_folder_that_cannot_be_made_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="Not a directory"):
        sqlite.History(tmp_path / "file" / "state")


def test_a_run_that_could_not_be_recorded_leaves_no_half_behind(tmp_path: Path) -> None:
    with sqlite.History(tmp_path) as history:
        with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite")) as other:
            other.execute(
                "CREATE TRIGGER full AFTER INSERT ON executions BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        with pytest.raises(HistoryError, match="no room"):
            history.record(ended("run-1"))
        assert history.read() == []
