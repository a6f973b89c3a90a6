"""Where the Endpoints of the files answer, on this machine alone."""

import asyncio

from scriptorium_runner.dev.index.door import Desk, Door
from scriptorium_runner.dev.index.trials import Trials
from scriptorium_runner.endpoints.endings import Listener
from scriptorium_runner.endpoints.listening import PublicSettings
from scriptorium_runner.endpoints.live import Terms
from scriptorium_runner.endpoints.room import RoomSettings
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.front import Front, FrontSettings, Means
from scriptorium_runner.history.requests import RequestHistory

_HOST = "127.0.0.1"


class Doorstep:
    """Listens from the first Endpoint on, so that files without one need no port."""

    def __init__(
        self, means: Means, tenant: Tenant, slots: int, history: RequestHistory, listener: Listener
    ) -> None:
        """`listener` hears of the end of each request, as the history does."""
        trials = Trials()
        self._means, self._listeners = means, (trials.hear, history.record, listener)
        self._desk = Desk(board=means.board, checker=means.engine, history=history, trials=trials)
        self._room = RoomSettings(slots=slots)
        self._terms = Terms(tenant=tenant, ignore_hosts=True)
        self._front: Front | None = None
        self._serving: asyncio.Task[None] | None = None

    async def take(self, port: int) -> int | None:
        """Serve the Endpoints as they are now; give the port if that is news, None else.

        Raises OSError if the port is not to be had.
        """
        if self._front is not None:
            self._front.live.change()
            return None
        if not self._means.board.list_endpoints():
            return None
        front = Front(
            FrontSettings(public=PublicSettings(port=port, host=_HOST), room=self._room, terms=self._terms),
            self._means,
            self._listeners,
            lambda front: Door(front.serving, lambda: front.live.table, self._desk),
        )
        await front.open()
        self._front, self._serving = front, asyncio.create_task(front.run())
        return front.port

    async def close(self) -> None:
        """Listen no more; what is being answered is cut off."""
        if self._front is None or self._serving is None:
            return
        await self._front.close(0, 0)
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
