"""What wrk tells, and what it finds in answers."""

import shutil

import pytest

from bench.endpoints import wrk

FIELDS = {
    "seconds": 2.0,
    "requests": 100,
    "p50": 0.001,
    "p90": 0.002,
    "p99": 0.003,
    "max": 0.004,
    "connect": 0,
    "read": 2,
    "write": 0,
    "timeout": 1,
    "status": 10,
    "asked": 111,
    "answered": 100,
    "wrong": 3,
    "refused": 7,
    "example": "404 nothing",
}


def test_only_good_answers_make_the_rate():
    load = wrk.parse_load(FIELDS)
    assert (load.per_second, load.good_per_second) == (50, 45)


def test_errors_are_told_by_kind():
    assert wrk.parse_load(FIELDS).errors == {"connect": 0, "read": 2, "write": 0, "timeout": 1, "status": 10}


def test_what_was_asked_and_never_answered_is_missing_but_for_the_trial():
    check = wrk.parse_check(FIELDS)
    assert (check.right, check.refused, check.wrong, check.unanswered) == (90, 7, 3, 10)


@pytest.mark.parametrize(
    ("wrong", "unanswered", "broken", "bad"), [(0, 0, 0, 0), (1, 2, 2, 3), (0, 0, 2, 2), (0, 5, 2, 5)]
)
def test_a_request_that_a_broken_connection_took_along_counts_once(wrong, unanswered, broken, bad):
    assert wrk.Check(10, 0, wrong, unanswered, broken, "").bad == bad


needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@needs_wrk
def test_a_server_that_is_gone_is_no_figure(nobody):
    with pytest.raises(wrk.WrkFailed, match="unable to connect"):
        wrk.measure(wrk.Target(nobody, clients=1), seconds=1)


@needs_wrk
def test_wrong_and_refused_answers_are_told_apart(moody):
    check = wrk.check(wrk.Target(moody, clients=1), seconds=2, expected="hello")
    assert check.example == "200 other"
    assert check.right > check.wrong > 0
    assert check.refused > 0
    assert check.unanswered == check.broken == 0
