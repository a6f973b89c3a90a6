import json

import pytest

from scriptorium_api.execution import ExecutionStatus, LogLine
from scriptorium_runner.logs import write_script_logs
from tests.support.makers import make_execution


def test_a_scripts_lines_are_told_with_their_run(capsys: pytest.CaptureFixture[str]) -> None:
    line = LogLine(level="warn", message="low\nstock", data=[1], timestamp="2030-01-01T00:00:00.000Z")
    write_script_logs(make_execution(), ExecutionStatus(logs=[line]))
    (written,) = capsys.readouterr().out.splitlines()
    assert json.loads(written) == {
        "level": "warn",
        "message": "low\nstock",
        "data": [1],
        "timestamp": "2030-01-01T00:00:00.000Z",
        "logger": "script",
        "namespace": "team",
        "execution": "run-1",
        "script": "hello",
    }


def test_the_line_of_a_script_that_was_called_bears_that_ones_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = LogLine(level="info", message="m", timestamp="2030-01-01T00:00:00.000Z", script="price")
    write_script_logs(make_execution(), ExecutionStatus(logs=[line]))
    written = json.loads(capsys.readouterr().out)
    assert (written["script"], written["execution"]) == ("price", "run-1")
