"""Tasks that must not die unseen: one that does is logged, shown on /healthz and started again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

#: Seconds until a dead task is started again: long enough not to spin, short enough not to be missed.
_PAUSE = 5.0


class Supervisor:
    """Keeps tasks running and knows which of them do not."""

    def __init__(self, pause: float = _PAUSE) -> None:
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []
        self._deaths: dict[str, int] = {}
        self._dead: set[str] = set()

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run the function for ever, under this name."""
        self._deaths[name] = 0
        self._tasks.append(asyncio.create_task(self._keep_running(name, run), name=name))

    async def stop(self) -> None:
        """End all tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def list_dead(self) -> list[str]:
        """Give the names of the tasks that do not run at this moment."""
        ended = {task.get_name() for task in self._tasks if task.done()}
        return sorted(self._dead | ended)

    def count_deaths(self) -> dict[str, int]:
        """Give how often each task has died."""
        return dict(self._deaths)

    async def _keep_running(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
                log.error("a task ended that never should", extra={"task": name})
            except Exception:
                log.exception("a task died", extra={"task": name})
            self._deaths[name] += 1
            self._dead.add(name)
            await asyncio.sleep(self._pause)
            self._dead.discard(name)
