"""The second wall: what ends a worker from outside."""

import asyncio
from collections.abc import Callable

#: The engine's own limit comes first: it keeps the error's position and the process.
KILL_AFTER_LIMIT_SECONDS = 0.25


class Watch:
    """Kills a worker when its time is over or when its caller gives up, and remembers which it was."""

    def __init__(
        self,
        kill: Callable[[], None],
        give_up: Callable[[], None],
        seconds: float,
        cancelled: asyncio.Event | None,
    ) -> None:
        """`give_up` is called when the time is over, and `kill` a moment later."""
        self._kill, self._give_up = kill, give_up
        self.was_late = False
        self.was_cancelled = False
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + seconds
        # One timer for both: hardly any run comes to its limit, and each timer costs all of them time.
        self._timer = self._loop.call_at(self._end, self._warn)
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

    def _warn(self) -> None:
        self._timer = self._loop.call_at(self._end + KILL_AFTER_LIMIT_SECONDS, self._end_late)
        self._give_up()

    def _end_late(self) -> None:
        self.was_late = True
        self._kill()

    async def _end_cancelled(self, cancelled: asyncio.Event) -> None:
        await cancelled.wait()
        self.was_cancelled = True
        self._kill()
