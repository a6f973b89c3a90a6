"""What is to be announced: of runs on their Scripts, of slots on their CronScripts, of Endpoints."""

import asyncio
import logging

from scriptorium_operator.cron_facts import UnrunSlots
from scriptorium_operator.endpoint_facts import EndpointNews
from scriptorium_operator.facts import EndedRun

News = EndedRun | UnrunSlots | EndpointNews

log = logging.getLogger(__name__)

#: More than this wait only when the API server is away; then the newest are dropped.
MOST_WAITING = 1000


class Outbox:
    """A queue that never makes its writer wait."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[News] = asyncio.Queue(MOST_WAITING)

    def __len__(self) -> int:
        return self._queue.qsize()

    def put(self, news: News) -> None:
        """Have it announced."""
        try:
            self._queue.put_nowait(news)
        except asyncio.QueueFull:
            log.warning("too many events wait, one is dropped", extra={"namespace": news.key.namespace})

    async def get(self) -> News:
        """Wait for the next."""
        return await self._queue.get()
