"""The part of a runner that answers requests: the same in a cluster and on a developer's machine."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from scriptorium_api.values import frozen
from scriptorium_runner import engine
from scriptorium_runner.endpoints.auth import key_fetching
from scriptorium_runner.endpoints.auth.key_sets import KeySets
from scriptorium_runner.endpoints.doors import Outside
from scriptorium_runner.endpoints.endings import Listener
from scriptorium_runner.endpoints.listening import PublicSettings
from scriptorium_runner.endpoints.live import Live, Terms
from scriptorium_runner.endpoints.ports import EndpointBoard
from scriptorium_runner.endpoints.room import Room, RoomSettings
from scriptorium_runner.endpoints.serving import Serving
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.host.http import HttpClient, HttpSettings
from scriptorium_runner.web.public import Answering, PublicServer


@frozen(kw_only=True)
class FrontSettings:
    """How requests are answered."""

    public: PublicSettings
    room: RoomSettings
    terms: Terms


@frozen(kw_only=True)
class Means:
    """What requests are answered with."""

    board: EndpointBoard
    engine: engine.Engine
    sandbox: EngineSandbox
    key_sets: KeySets


class Front:
    """Answers requests from the moment at which all Endpoints are known."""

    def __init__(
        self,
        settings: FrontSettings,
        means: Means,
        listeners: Sequence[Listener],
        choose_answering: Callable[["Front"], Answering] = lambda front: front.serving,
    ) -> None:
        """`listeners` hear of the end of each request; somebody else may answer before Endpoints do."""
        sandbox, board = means.sandbox, means.board
        self.live = Live(board, sandbox, means.engine, settings.terms, self._tell_served)
        outside = Outside(
            sandbox=sandbox,
            board=board,
            room=Room(settings.room, time.monotonic),
            held=means.engine.held,
            key_sets=means.key_sets,
        )
        self.serving: Serving = Serving(
            lambda: self.live.table, outside, lambda: self.live.runners, tuple(listeners)
        )
        self._server = PublicServer(choose_answering(self), settings.public)
        self._engine = means.engine
        self._is_served = False
        #: Where it listens; None until then.
        self.port: int | None = None

    @property
    def is_open(self) -> bool:
        """Say whether requests are answered."""
        return self.port is not None

    async def open(self) -> None:
        """Listen, with what there is at this moment; raises OSError."""
        await self.live.refresh()
        self.port = await self._server.start()

    async def run(self) -> None:
        """Serve what there is at each moment, until cancelled."""
        await self.live.run()

    async def close(self, grace_seconds: float, seconds: float) -> None:
        """End well: requests that still come are answered for a while, those that are there to their end.

        Whoever sends requests here learns only after a moment that this runner goes. Where there is no
        Endpoint nobody sends any.
        """
        if not self.is_open:
            return
        self._server.begin_drain()
        if self._is_served:
            await asyncio.sleep(grace_seconds)
        await self._server.stop(seconds)

    def _tell_served(self, is_served: bool) -> None:
        self._is_served = is_served
        self._engine.reserve_for_http(is_served=is_served)


@asynccontextmanager
async def open_key_sets(settings: HttpSettings) -> AsyncIterator[KeySets]:
    """Give the keys of identity providers, fetched as scripts fetch."""
    async with (
        HttpClient(key_fetching.limit_settings(settings)) as client,
        KeySets(partial(key_fetching.fetch, client)) as found,
    ):
        yield found
