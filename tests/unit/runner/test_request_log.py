"""The line of a request: what operators look for, and nothing that is secret."""

import json
from dataclasses import replace

import pytest

from scriptorium_runner import request_log
from scriptorium_runner.endpoints.calls import Answer
from scriptorium_runner.endpoints.endings import Times
from scriptorium_runner.engine import LogEntry
from tests.support.callers import make_call
from tests.support.endings import TRACE_ID, make_ended, make_failure, make_success


def test_a_request_is_one_line() -> None:
    ended = make_ended(times=Times(total=0.0123))
    assert request_log.build_line(ended) == {
        "timestamp": "2030-01-01T12:00:00.000+00:00",
        "level": "info",
        "logger": "request",
        "message": "request",
        "requestId": "call-1",
        "traceId": TRACE_ID,
        "namespace": "team",
        "endpoint": "orders",
        "method": "GET",
        "path": "/orders",
        "status": 200,
        "durationMs": 12.3,
        "ip": "192.0.2.7",
        "script": "hello",
        "scriptVersion": 3,
        "scriptHash": "abc",
    }


def test_bodies_queries_and_headers_are_not_in_it() -> None:
    call = make_call(("x", "secret-2"), raw_query="q=secret-1", body=b"secret-3")
    ended = make_ended(call=call, answer=Answer(200, (("y", "secret-4"),), b"secret-5"))
    assert "secret" not in json.dumps(request_log.build_line(ended))


def test_a_script_that_failed_is_told_with_its_place() -> None:
    line = request_log.build_line(make_ended(result=make_failure(), answer=Answer(500)))
    expected = {"level": "error", "reason": "ScriptError", "error": "TypeError", "line": 3, "column": 5}
    assert expected.items() <= line.items()


@pytest.mark.parametrize(
    ("rejected", "status", "level"),
    [("auth", 401, "info"), ("overload", 503, "info"), ("bug", 500, "error"), ("", 504, "error")],
)
def test_what_nobody_answered_is_told_with_its_reason(rejected: str, status: int, level: str) -> None:
    line = request_log.build_line(make_ended(rejected=rejected, cause="why", answer=Answer(status)))
    assert (line.get("rejected", ""), line["cause"], line["level"]) == (rejected, "why", level)


def test_a_caller_who_went_away_is_told_so() -> None:
    line = request_log.build_line(make_ended(answer=None, rejected="gone"))
    assert (line["status"], line["rejected"]) == (499, "gone")


def test_the_lines_of_the_script_bear_the_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    entry = LogEntry(level="info", message="hi", timestamp="2030-01-01T00:00:00.000Z", data=[1])
    called = LogEntry(level="warn", message="ho", timestamp="2030-01-01T00:00:00.000Z", script="other")
    result = replace(make_success(), logs=(entry, called))
    request_log.write_request(make_ended(result=result))
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["logger"], each.get("script")) for each in written] == [
        ("request", "hello"),
        ("script", "hello"),
        ("script", "other"),
    ]
    assert [each["requestId"] for each in written] == ["call-1"] * 3
    assert (written[1]["message"], written[1]["data"]) == ("hi", [1])
