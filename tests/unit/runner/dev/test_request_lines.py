"""The lines of requests, on a terminal and off it."""

from datetime import UTC
from typing import Any

import pytest

from scriptorium_runner.dev import request_lines
from scriptorium_runner.dev.table import Style
from scriptorium_runner.endpoints.calls import Answer
from scriptorium_runner.endpoints.endings import Ended
from tests.support.callers import make_call
from tests.support.endings import make_ended, make_failure, make_success


def render(ended: Ended, *, is_coloured: bool = False) -> list[str]:
    return request_lines.render_request(ended, Style(is_coloured), UTC).splitlines()


def cells(line: str) -> list[str]:
    return [cell for cell in line.split("  ") if cell]


def test_a_request_is_one_line() -> None:
    (line,) = render(make_ended(call=make_call(id="3f2a9c1e-77aa")))
    assert [cell.strip() for cell in cells(line)] == [
        "12:00:00", "GET", "/orders", "200", "3.2 ms", "hello", "3f2a9c1e",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "colour"),
    [(200, "32"), (204, "32"), (302, "32"), (404, "33"), (429, "33"), (500, "31"), (504, "31")],
)
def test_the_status_has_its_colour_on_a_terminal_and_none_elsewhere(status: int, colour: str) -> None:
    ended = make_ended(answer=Answer(status))
    assert f"\x1b[{colour}m{status} \x1b[0m" in render(ended, is_coloured=True)[0]
    assert "\x1b" not in render(ended)[0]


def test_what_a_script_threw_is_beneath_with_its_place() -> None:
    lines = render(make_ended(answer=Answer(500), result=make_failure()))
    assert lines[1:] == ["  TypeError: no stock left (line 3, column 5)"]


def test_what_a_script_wrote_is_beneath() -> None:
    lines = render(make_ended(result=make_success("first\nsecond", data=[{"a": 1}])))
    assert lines[1:] == ["  info  first", '  second [{"a": 1}]']


def test_why_no_script_answered_is_beneath() -> None:
    lines = render(make_ended(answer=Answer(401), rejected="auth", cause="no credentials"))
    assert lines[1:] == ["  no script answered (auth): no credentials"]


def test_a_request_that_nobody_waited_for_says_so() -> None:
    (line,) = render(make_ended(answer=None, rejected="gone"))
    assert cells(line)[3].strip() == "gone"


def test_a_request_for_nothing_has_no_script() -> None:
    (line,) = render(make_ended(entry=None, answer=Answer(404), rejected="not_found"))
    assert cells(line)[5].strip() == "-"


def test_a_long_path_is_shown_in_part() -> None:
    (line,) = render(make_ended(call=make_call(raw_path="/" + "a" * 9000)))
    assert cells(line)[2].strip() == "/" + "a" * 96 + "..."


@pytest.mark.parametrize("evil", ["\x1b[2J", "\r", "\x9b31m", "\u202e", "\udcff", "\n12:00:00  GET"])
@pytest.mark.parametrize("place", ["path", "method", "error", "log", "cause"])
def test_nobody_can_write_to_the_terminal_but_its_own_line(evil: str, place: str) -> None:
    parts: dict[str, Any] = {
        "path": {"call": make_call(raw_path=f"/{evil}")},
        "method": {"call": make_call(method=evil)},
        "error": {"result": make_failure(evil)},
        "log": {"result": make_success(evil)},
        "cause": {"rejected": "auth", "answer": Answer(401), "cause": evil},
    }[place]
    lines = render(make_ended(**parts))
    assert all(character.isprintable() for line in lines for character in line)
    assert all(line.startswith("  ") for line in lines[1:])
    assert len(lines) <= 3
