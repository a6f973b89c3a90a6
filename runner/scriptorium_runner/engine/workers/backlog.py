"""How much of the supervisor's memory answers may hold that no worker has read yet.

A worker that waits reads at once. One that computes leaves its answers here until it waits again, and one
that means harm leaves them for ever.
"""

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)

_MB = 1024 * 1024
#: Of one run: four of the largest answers.
MOST_RUN_BYTES = 16 * _MB
#: Of all runs: a part of the smallest container that runs scripts side by side.
MOST_BYTES = 64 * _MB


class Unread:
    """The answers that one run has not read; `close` must be called when it is over."""

    def __init__(self, backlog: "Backlog", end: Callable[[], None]) -> None:
        self._backlog = backlog
        self._end = end
        self._is_open = True
        self.size = 0

    def add(self, size: int) -> bool:
        """Take an answer in; False if there is no room for it in this run."""
        if not self._is_open or self.size + size > MOST_RUN_BYTES:
            return False
        self.size += size
        self._backlog.relieve()
        return self._is_open

    def remove(self, size: int) -> None:
        """Let go of an answer that was sent."""
        self.size -= size

    def close(self) -> None:
        """Let go of all of them."""
        self._is_open = False
        self._backlog.forget(self)

    def end(self) -> None:
        """End the run for the sake of the others."""
        self.close()
        self._end()


class Backlog:
    """The unread answers of all runs: when they are too much, the run with the most of them ends."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._runs: set[Unread] = set()

    @property
    def size(self) -> int:
        """Say how many bytes there are."""
        return sum(run.size for run in self._runs)

    def open(self, end: Callable[[], None]) -> Unread:
        """Begin with a run, which `end` would end."""
        run = Unread(self, end)
        self._runs.add(run)
        return run

    def forget(self, run: Unread) -> None:
        """Count a run no more."""
        self._runs.discard(run)

    def relieve(self) -> None:
        """End runs until there is room again."""
        while self.size > self._most:
            largest = max(self._runs, key=lambda run: run.size)
            _log.warning(
                "unread answers fill the runner, the run with the most of them was ended",
                extra={"bytes": self.size, "run_bytes": largest.size},
            )
            largest.end()
