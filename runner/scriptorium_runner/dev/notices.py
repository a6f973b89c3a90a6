"""What the runner's own log warns of, as a person likes to read it on the screen of a session."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from scriptorium_api.logs import list_facts
from scriptorium_runner.dev import table
from scriptorium_runner.dev.screen import Screen


@contextlib.contextmanager
def told(screen: Screen, guard: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Tell of warnings for as long as this lasts; `guard` is for a screen that cannot be written to."""
    handler = _Handler(screen, guard)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


class _Handler(logging.Handler):
    def __init__(self, screen: Screen, guard: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(logging.WARNING)
        self._screen, self._guard = screen, guard

    def emit(self, record: logging.LogRecord) -> None:
        with self._guard():
            self._screen.note(render_record(record))


def render_record(record: logging.LogRecord) -> str:
    """Give a record of the log: what it says, what it is about, and its traceback."""
    facts = ", ".join(f"{name} {value}" for name, value in list_facts(record).items() if value is not None)
    head = f"{record.levelname.lower()}: {record.getMessage()}" + (f": {facts}" if facts else "")
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    return "\n".join(table.clean(line) for line in [head, *trace.splitlines()])
