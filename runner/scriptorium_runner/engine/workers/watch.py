"""The second wall: what ends a worker from outside."""

import asyncio
from collections.abc import Callable


class Watch:
    """Kills a worker when its time is over or when its caller gives up, and remembers which it was."""

    def __init__(self, kill: Callable[[], None], seconds: float, cancelled: asyncio.Event | None) -> None:
        self._kill = kill
        self.was_late = False
        self.was_cancelled = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self._end_late)
        self._waiter = asyncio.create_task(self._end_cancelled(cancelled)) if cancelled is not None else None

    @property
    def has_killed(self) -> bool:
        """Say whether the worker's end was this watch's doing."""
        return self.was_late or self.was_cancelled

    def stop(self) -> None:
        """Let the worker be."""
        self._timer.cancel()
        if self._waiter is not None:
            self._waiter.cancel()

    def _end_late(self) -> None:
        self.was_late = True
        self._kill()

    async def _end_cancelled(self, cancelled: asyncio.Event) -> None:
        await cancelled.wait()
        self.was_cancelled = True
        self._kill()
