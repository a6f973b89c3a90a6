"""What is remembered of requests, and that nobody waits for it."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from scriptorium_runner.endpoints.calls import Answer
from scriptorium_runner.history import database, requests
from scriptorium_runner.history.database import HistoryError
from scriptorium_runner.history.requests import RequestHistory, build_row
from scriptorium_runner.history.sqlite import History
from tests.support.callers import make_call
from tests.support.endings import make_ended, make_failure
from tests.support.waiting import until

#: The file as the version before requests made it.
FORMER_SCHEMA = """
CREATE TABLE executions (
    uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, script TEXT, phase TEXT NOT NULL,
    reason TEXT NOT NULL, completed TEXT NOT NULL, object TEXT NOT NULL
);
CREATE INDEX executions_by_time ON executions (completed);
INSERT INTO executions VALUES
('run-1', 'team', 'run-1', 'hello', 'Succeeded', 'Completed', '2026', '{"a": 1}');
"""


def fail(error: HistoryError) -> None:
    raise AssertionError(error)


async def test_what_was_recorded_is_there_in_the_next_session_newest_first(tmp_path: Path) -> None:
    with RequestHistory(tmp_path, fail) as history:
        for number in range(3):
            history.record(make_ended(call=make_call(id=f"call-{number}")))
    with RequestHistory(tmp_path, fail) as history:
        found = await history.read(2)
    assert [each.request_id for each in found] == ["call-2", "call-1"]


def test_what_nobody_asks_for_is_written_all_the_same(tmp_path: Path) -> None:
    with (
        RequestHistory(tmp_path, fail) as history,
        contextlib.closing(database.open_database(tmp_path)) as other,
    ):
        history.record(make_ended(call=make_call(id="call-1")))
        until(lambda: other.execute("SELECT request_id FROM requests").fetchall() == [("call-1",)])


async def test_who_reads_sees_all_that_was_recorded_before(tmp_path: Path) -> None:
    with RequestHistory(tmp_path, fail) as history:
        for number in range(500):
            history.record(make_ended(call=make_call(id=f"call-{number}")))
        assert len(await history.read(1000)) == 500


def test_a_row_tells_who_answered_how_and_in_which_version() -> None:
    row = build_row(make_ended(call=make_call(method="POST"), answer=Answer(201)))
    assert (row.time, row.request_id) == ("2030-01-01T12:00:00.000+00:00", "call-1")
    assert (row.method, row.path, row.status, row.duration_ms) == ("POST", "/orders", 201, 3.2)
    assert (row.namespace, row.endpoint) == ("team", "orders")
    assert (row.script, row.script_version, row.script_hash) == ("hello", 3, "abc")
    assert (row.rejected, row.error, row.error_message) == (None, None, None)


def test_a_row_tells_what_a_script_threw() -> None:
    row = build_row(make_ended(answer=Answer(500), result=make_failure()))
    assert (row.status, row.error, row.error_message) == (500, "TypeError", "no stock left")


def test_a_row_of_a_request_that_no_endpoint_was_for_says_why() -> None:
    row = build_row(make_ended(entry=None, answer=Answer(404), rejected="not_found"))
    assert (row.endpoint, row.script, row.rejected) == (None, None, "not_found")


async def test_bodies_the_query_and_headers_are_never_on_the_disk(tmp_path: Path) -> None:
    private = "hunter2-hunter2"
    call = make_call(("authorization", private), raw_query=f"key={private}", body=private.encode())
    answer = Answer(200, (("Set-Cookie", private),), private.encode())
    with RequestHistory(tmp_path, fail) as history:
        history.record(make_ended(call=call, answer=answer))
        assert len(await history.read(1)) == 1
    assert private.encode() not in database.find_file(tmp_path).read_bytes()


@pytest.mark.parametrize("sent", ["/\udcff", "/a\ud800b", "/\x00'); DROP TABLE requests; --"])
async def test_whatever_somebody_sends_can_be_kept(tmp_path: Path, sent: str) -> None:
    with RequestHistory(tmp_path, fail) as history:
        history.record(make_ended(call=make_call(raw_path=sent), result=make_failure(sent)))
        (found,) = await history.read(1)
    assert found.path == sent.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def test_paths_and_messages_are_kept_in_part() -> None:
    row = build_row(make_ended(call=make_call(raw_path="/" + "a" * 9000), result=make_failure("b" * 9000)))
    assert (len(row.path), len(row.error_message or "")) == (2000, 2000)


async def test_the_oldest_requests_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "KEPT", 3)
    with RequestHistory(tmp_path, fail) as history:
        for number in range(5):
            history.record(make_ended(call=make_call(id=f"call-{number}")))
            await history.read(1)
        found = await history.read(10)
    assert [each.request_id for each in found] == ["call-4", "call-3", "call-2"]


async def test_no_request_waits_for_the_disk_and_what_came_meanwhile_is_one_write(tmp_path: Path) -> None:
    with RequestHistory(tmp_path, fail) as history:
        with contextlib.closing(sqlite3.connect(database.find_file(tmp_path), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            # Nothing can be written now, and still this comes back.
            for number in range(100):
                history.record(make_ended(call=make_call(id=f"call-{number}")))
            other.execute("ROLLBACK")
        assert len(await history.read(1000)) == 100


async def test_a_disk_that_stands_still_costs_no_more_memory_than_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "KEPT", 10)
    goes_on = threading.Event()
    with RequestHistory(tmp_path, fail) as history:
        history._writer.submit(goes_on.wait)
        for number in range(1000):
            history.record(make_ended(call=make_call(id=f"call-{number}")))
        assert len(history._waiting) == 10
        goes_on.set()
        assert [each.request_id for each in await history.read(1)] == ["call-999"]


async def test_a_file_of_the_version_before_keeps_its_runs_and_takes_requests(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(database.find_file(tmp_path))) as former:
        former.executescript(FORMER_SCHEMA)
    with History(tmp_path) as runs, RequestHistory(tmp_path, fail) as history:
        history.record(make_ended())
        assert len(await history.read(10)) == 1
        assert runs.read() == [{"a": 1}]


def test_a_file_that_was_migrated_is_as_one_that_is_new(tmp_path: Path) -> None:
    former, new = tmp_path / "former", tmp_path / "new"
    former.mkdir()
    with contextlib.closing(sqlite3.connect(database.find_file(former))) as file:
        file.executescript(FORMER_SCHEMA)
    assert describe(former) == describe(new)


def describe(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with contextlib.closing(database.open_database(folder)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            name: file.execute("SELECT * FROM pragma_table_info(?)", (name,)).fetchall() for name in names
        }


async def test_a_history_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told: list[HistoryError] = []
    with RequestHistory(tmp_path, told.append) as history:
        with contextlib.closing(sqlite3.connect(database.find_file(tmp_path))) as other:
            other.execute(
                "CREATE TRIGGER full AFTER INSERT ON requests BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        history.record(make_ended())
        until(lambda: bool(told))
        assert "no room; mend or remove it" in str(told[0])
        assert await history.read(10) == []
