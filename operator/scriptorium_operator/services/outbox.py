"""Runs whose outcome is to be announced on their Scripts."""

import asyncio
import logging

from scriptorium_operator.facts import EndedRun

log = logging.getLogger(__name__)

#: More than this wait only when the API server is away; then the newest are dropped.
MOST_WAITING = 1000


class Outbox:
    """A queue that never makes its writer wait."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[EndedRun] = asyncio.Queue(MOST_WAITING)

    def __len__(self) -> int:
        return self._queue.qsize()

    def put(self, run: EndedRun) -> None:
        """Have a run announced."""
        try:
            self._queue.put_nowait(run)
        except asyncio.QueueFull:
            log.warning("too many events wait, one is dropped", extra={"namespace": run.key.namespace})

    async def get(self) -> EndedRun:
        """Wait for the next."""
        return await self._queue.get()
