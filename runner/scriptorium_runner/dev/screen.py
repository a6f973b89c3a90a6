"""Standard output and standard error of a session: results on one, everything else on the other."""

import json
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.dev import request_lines, table
from scriptorium_runner.endpoints.endings import Ended
from scriptorium_runner.sources.manifests import Problem


class ScreenError(Exception):
    """Nothing can be written any more."""


class NobodyReads(ScreenError):
    """Whoever read the output has gone, as `head` does."""


class Screen:
    """Where a session writes to; its verbs raise ScreenError."""

    def __init__(self, *, is_json: bool) -> None:
        # A script may log what this terminal's encoding lacks.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self._is_json = is_json
        self._has_header = False
        self._results = table.Style(_is_coloured(sys.stdout))
        self._notes = table.Style(_is_coloured(sys.stderr))

    def show(self, ended: ScriptExecution) -> None:
        """Write a run that ended."""
        if self._is_json:
            _write(sys.stdout, json.dumps(ended.to_wire()))
            return
        if not self._has_header:
            _write(sys.stdout, table.render_header(self._results))
            self._has_header = True
        _write(sys.stdout, table.render_run(ended, self._results))

    def print(self, text: str) -> None:
        """Write a result that is a line."""
        _write(sys.stdout, text)

    def note(self, text: str) -> None:
        """Tell what happens."""
        _write(sys.stderr, text)

    def tell_requests(self, ended: Iterable[Ended]) -> None:
        """Tell of requests that were answered."""
        lines = [request_lines.render_request(each, self._notes) for each in ended]
        _write(sys.stderr, "\n".join(lines))

    def complain(self, problem: Problem | str) -> None:
        """Tell what is wrong."""
        _write(sys.stderr, table.render_problem(str(problem), self._notes))

    def abandon(self) -> None:
        """Write nothing more: what is left in the streams must not fail when Python ends."""
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(null, stream.fileno())
        os.close(null)


def _is_coloured(stream: TextIO) -> bool:
    """Say whether a terminal shows it; NO_COLOR is https://no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError as error:
        raise NobodyReads from error
    except OSError as error:
        raise ScreenError(f"cannot write to {stream.name}: {error.strerror}") from error
