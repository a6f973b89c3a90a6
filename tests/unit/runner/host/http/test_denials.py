import logging

import pytest

from scriptorium_runner.host.http import Denials, Ending
from scriptorium_runner.host.http.denials import MOST_HOSTS, WINDOW_SECONDS
from scriptorium_runner.host.http.failures import Code


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def denials(clock: Clock) -> Denials:
    return Denials(clock)


def ending(host: str = "evil.example.com", outcome: str = Code.HOST_NOT_ALLOWED) -> Ending:
    return Ending(outcome=outcome, host=host, seconds=0.1)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[object, ...]]:
    names = ("message", "script", "owner", "host", "code")
    return [tuple(vars(record)[name] for name in names) for record in caplog.records]


def test_a_denied_call_is_logged_with_script_host_and_code(
    denials: Denials, caplog: pytest.LogCaptureFixture
) -> None:
    denials.note("uid", "hello", ending())
    assert told(caplog) == [("http call denied", "hello", "uid", "evil.example.com", "HOST_NOT_ALLOWED")]
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize("outcome", ["ANSWERED", "CANCELLED", Code.TIMEOUT, Code.TLS_FAILED])
def test_what_was_not_denied_is_not_logged(
    outcome: str, denials: Denials, caplog: pytest.LogCaptureFixture
) -> None:
    denials.note("uid", "hello", ending(outcome=outcome))
    assert caplog.records == []


def test_the_same_host_of_the_same_script_is_logged_once_a_minute(
    denials: Denials, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        denials.note("uid", "hello", ending())
    assert len(caplog.records) == 1
    denials.note("other", "other", ending())
    denials.note("uid", "hello", ending("second.example.com"))
    assert len(caplog.records) == 3
    clock.now = WINDOW_SECONDS
    denials.note("uid", "hello", ending())
    assert len(caplog.records) == 4


def test_a_script_that_makes_up_hosts_does_not_fill_the_log(
    denials: Denials, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        denials.note("uid", "hello", ending(f"h{number}.example.com"))
    denials.note("other", "other", ending())
    assert len(caplog.records) == MOST_HOSTS + 1
