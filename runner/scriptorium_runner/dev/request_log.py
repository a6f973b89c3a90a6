"""The requests of a session on its screen, those of a moment together.

A line for each alone took a tenth of the time that it takes to answer a request, since all that writes it had
left the processor's caches meanwhile; nobody sees lines come by the millisecond.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from scriptorium_runner.dev.screen import Screen
from scriptorium_runner.endpoints.endings import Ended

#: So long a request may wait for others.
PAUSE_SECONDS: Final = 0.02
#: No more wait than these: each holds its body, and its answer.
MOST_WAITING: Final = 64


class RequestLog:
    """Tells of each request that ended."""

    def __init__(self, screen: Screen, guard: Callable[[], AbstractContextManager[None]]) -> None:
        """`guard` is for a screen that cannot be written to."""
        self._screen, self._guard = screen, guard
        self._waiting: list[Ended] = []

    def hear(self, ended: Ended) -> None:
        """Tell of a request, soon."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.tell)
        self._waiting.append(ended)
        if len(self._waiting) >= MOST_WAITING:
            self.tell()

    def tell(self) -> None:
        """Tell of all that wait, now."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with self._guard():
                self._screen.tell_requests(waiting)
