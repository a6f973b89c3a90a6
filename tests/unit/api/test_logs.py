import json
import logging
import sys

from scriptorium_api.logs import JsonFormatter


def test_a_line_holds_the_message_and_its_fields() -> None:
    record = logging.makeLogRecord(
        {"name": "ours", "levelname": "INFO", "msg": "pool made", "namespace": "team", "object": "default"}
    )
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "pool made"
    assert line["level"] == "info"
    assert (line["namespace"], line["object"]) == ("team", "default")
    assert set(line) == {"timestamp", "level", "logger", "message", "namespace", "object"}


def test_a_bug_is_told_with_its_traceback() -> None:
    try:
        raise ValueError("boom")
    except ValueError:
        record = logging.makeLogRecord({"msg": "a bug", "exc_info": sys.exc_info()})
    assert "ValueError: boom" in json.loads(JsonFormatter().format(record))["traceback"]
