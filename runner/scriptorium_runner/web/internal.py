"""Calls of Scripts from inside the cluster, on a port of their own; no Ingress leads there."""

import asyncio
import logging
from typing import Final, Protocol, cast

from aiohttp import web

from scriptorium_runner.endpoints.bodies import Body
from scriptorium_runner.endpoints.calls import Answer, Call, Problem, render_problem
from scriptorium_runner.endpoints.listening import Patience
from scriptorium_runner.web import arrivals, connections, incoming
from scriptorium_runner.web.incoming import IncomingBody
from scriptorium_runner.web.outgoing import Message

#: An input has 64 KiB at most; who takes longer than this to send it is not waiting for an answer.
PATIENCE: Final = Patience(head=10.0, stall=10.0, body=10.0, idle=620.0)

#: So long the rest of a body is taken in that nobody will read, so that its sender sees the answer.
LINGERING_SECONDS = 1.0

#: The largest header that is read at all: a token, and what it is announced with.
MOST_HEADER = 20 * 1024

#: Four times what is taken in hand.
MOST_CONNECTIONS = 1024

#: What is left to end after the draining: writing answers.
CLOSING_SECONDS = 5.0

_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")


class Invoker(Protocol):
    """Answers calls."""

    async def serve(self, call: Call, body: Body) -> Answer:
        """Answer a call; never raises but for cancellation."""

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and end what is in hand within so many seconds."""


class InternalListener:
    """The open port, until it is drained."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker
        self._is_draining = self._is_used = False
        server = connections.Listener(
            self._answer,
            most_connections=connections.limit_to_files(MOST_CONNECTIONS),
            head_seconds=PATIENCE.head,
            keepalive_timeout=PATIENCE.idle,
            handler_cancellation=True,
            access_log=None,
            logger=_quiet_logger(),
            max_line_size=connections.MAX_LINE_BYTES,
            max_field_size=MOST_HEADER,
            max_headers=connections.MAX_FIELDS,
            # Who is refused before the body was read is not listened to for long.
            lingering_time=LINGERING_SECONDS,
            # Refused by its header, never unpacked.
            auto_decompress=False,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=CLOSING_SECONDS)
        self._site: web.TCPSite | None = None

    async def start(self, port: int, host: str | None = None) -> None:
        """Listen; on all addresses of the pod, if no other is named."""
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        await self._site.start()

    @property
    def port(self) -> int:
        """Give the port of the first address."""
        return int(self._runner.addresses[0][1])

    async def drain(self, grace_seconds: float, seconds: float) -> None:
        """Go on for a while, then take no new connection and no new call, have those in hand end, and close.

        Whoever calls here learns only after a moment that this runner goes. Where nobody has ever called,
        nobody is waited for.
        """
        self._is_draining = True
        if self._is_used:
            await asyncio.sleep(grace_seconds)
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
        await self._invoker.drain(seconds)
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._is_used = True
        arrival = incoming.read_arrival(request)
        call = arrivals.read_call(arrival, ())
        problem = arrivals.find_problem(arrival)
        if problem is None:
            answer = await self._invoker.serve(call, IncomingBody(request, PATIENCE))
        else:
            answer = _refuse(call, problem)
        # It has what the server asks of a response.
        is_broken = arrival.is_upgrade or problem is not None
        is_last = self._is_draining or is_broken or _ends_connection(answer)
        message = Message(answer.with_headers(_NO_SNIFFING), is_last=is_last, seconds=PATIENCE.body)
        return cast("web.StreamResponse", message)


def _refuse(call: Call, problem: Problem) -> Answer:
    return render_problem(problem, call.id).with_headers(("X-Request-Id", call.id))


def _ends_connection(answer: Answer) -> bool:
    return any(name.lower() == "connection" for name, _ in answer.headers)


def _quiet_logger() -> logging.Logger:
    """Give the server a log that tells of malformed requests, and nothing in them: it may be a token."""
    logger = logging.getLogger(f"{__name__}.server")
    logger.addFilter(_drop_details)
    return logger


def _drop_details(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    record.msg, record.args, record.exc_info, record.exc_text = "request not served", None, None, None
    record.error = kind.__name__ if kind else None
    return True
