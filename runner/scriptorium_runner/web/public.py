"""The port where requests come in: nothing else is ever answered there."""

import asyncio
import contextlib
from typing import Protocol, cast

from aiohttp import web

from scriptorium_runner.endpoints.bodies import Body
from scriptorium_runner.endpoints.calls import Answer, Call, Problem
from scriptorium_runner.endpoints.listening import PublicSettings
from scriptorium_runner.web import arrivals, connections, incoming
from scriptorium_runner.web.incoming import IncomingBody
from scriptorium_runner.web.outgoing import Message
from scriptorium_runner.web.pace import Pace

#: What is left of a body that nobody wants is read for so long, so that the answer is not lost with the
#: connection: a caller who still sends would not read it.
_LINGER_SECONDS = 2.0
#: What is still answered when the time to stop is over is cut off; that takes moments.
_CUT_SECONDS = 1.0
#: Connections that wait to be taken: of a burst none is refused.
_BACKLOG = 1024


class Answering(Protocol):
    """Who answers; never raises but for its caller's going away."""

    async def serve(self, call: Call, body: Body) -> Answer:
        """Answer a call."""

    def refuse(self, call: Call, problem: Problem) -> Answer:
        """Answer what is no call."""


class PublicServer:
    """Reads requests, has them answered, and writes the answers."""

    def __init__(self, answering: Answering, settings: PublicSettings) -> None:
        self._answering, self._settings = answering, settings
        self._is_draining = False
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._pace = Pace()
        patience = settings.patience
        self._listener = connections.Listener(
            self._answer,
            handler_cancellation=True,
            access_log=None,
            auto_decompress=False,
            most_connections=connections.limit_to_files(settings.most_connections),
            head_seconds=patience.head,
            keepalive_timeout=patience.idle,
            lingering_time=_LINGER_SECONDS,
            max_line_size=connections.MAX_LINE_BYTES,
            max_field_size=connections.MAX_FIELD_BYTES,
            max_headers=connections.MAX_FIELDS,
        )
        self._runner = web.ServerRunner(self._listener, shutdown_timeout=_CUT_SECONDS)

    async def start(self) -> int:
        """Listen, and give the port; raises OSError."""
        await self._runner.setup()
        settings = self._settings
        await web.TCPSite(self._runner, settings.host, settings.port, backlog=_BACKLOG).start()
        found: int = self._runner.addresses[0][1]
        return found

    @property
    def connections(self) -> int:
        """Give how many connections there are."""
        return len(self._listener.connections)

    def begin_drain(self) -> None:
        """Go on, but have every connection end with its next answer."""
        self._is_draining = True

    async def stop(self, seconds: float = 0.0) -> None:
        """Take no more connections, and let what is being answered take so long."""
        self.begin_drain()
        for site in self._runner.sites:
            await site.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._open += 1
        self._idle.clear()
        try:
            return await self._exchange(request)
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def _exchange(self, request: web.BaseRequest) -> web.StreamResponse:
        await self._pace.begin()
        arrival = incoming.read_arrival(request)
        call = arrivals.read_call(arrival, self._settings.proxies)
        body = IncomingBody(request, self._settings.patience)
        problem = arrivals.find_problem(arrival)
        if problem is None:
            answer = await self._answering.serve(call, body)
        else:
            answer = self._answering.refuse(call, problem)
        is_last = self._is_draining or arrival.is_upgrade or problem is not None
        message = Message(answer, is_last=is_last, seconds=self._settings.patience.body)
        # It has what the server asks of a response.
        return cast("web.StreamResponse", message)
