"""What the runner's own log warns of, on the screen of a session."""

import logging
import sys

from scriptorium_runner.dev.notices import render_record


def make_record(message: str, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("runner", logging.WARNING, __file__, 1, message, (), None)
    vars(record).update(fields)
    return record


def test_a_warning_tells_what_it_is_about() -> None:
    record = make_record("it does not compile", script="shop", line=3, column=None)
    assert render_record(record) == "warning: it does not compile: script shop, line 3"


def test_a_traceback_is_beneath() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        record = make_record("a request failed", exc_info=sys.exc_info())
    head, *trace = render_record(record).splitlines()
    assert (head, trace[-1]) == ("warning: a request failed", "RuntimeError: broken")


def test_what_strangers_send_can_do_nothing_to_the_terminal() -> None:
    assert render_record(make_record("odd", path="\x1b[2J")) == "warning: odd: path \\x1b[2J"
