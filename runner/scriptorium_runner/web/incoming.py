"""A request on a connection: its head, and its body, capped and never waited for without end."""

import asyncio
from functools import lru_cache

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from scriptorium_runner.endpoints.bodies import BodyBroken, BodyStalled, BodyTooLarge, Grow, ignore
from scriptorium_runner.endpoints.listening import Patience
from scriptorium_runner.web import arrivals
from scriptorium_runner.web.arrivals import Arrival

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def read_arrival(request: web.BaseRequest) -> Arrival:
    """Give what the parser read."""
    message = request._message
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    return Arrival(
        method=message.method,
        target=message.path,
        headers=arrivals.read_headers(message.raw_headers),
        peer=_simplify(peer[0]) if peer else "",
        version=(message.version.major, message.version.minor),
        is_upgrade=message.upgrade,
    )


@lru_cache(1024)
def _simplify(address: str) -> str:
    return arrivals.simplify(address)


class IncomingBody:
    """The body of one request."""

    def __init__(self, request: web.BaseRequest, patience: Patience) -> None:
        self._request, self._patience = request, patience

    @property
    def size(self) -> int | None:
        """Give how many bytes were announced; None for a body in chunks."""
        if not self._request.body_exists:
            return 0
        return self._request.content_length

    async def read(self, most: int, grow: Grow = ignore) -> bytes:
        """Give all of it; raises BodyTooLarge before anything is read where too much is announced."""
        if not self._request.body_exists:
            return b""
        if self.size is not None and self.size > most:
            raise BodyTooLarge
        self._invite()
        try:
            return await self._collect(most, grow)
        except TimeoutError as error:
            raise BodyStalled from error
        except (HttpProcessingError, web.RequestPayloadError) as error:
            raise BodyBroken from error

    async def _collect(self, most: int, grow: Grow) -> bytes:
        loop, pieces, size = asyncio.get_running_loop(), list[bytes](), 0
        end = loop.time() + self._patience.body
        while True:
            async with asyncio.timeout_at(min(end, loop.time() + self._patience.stall)):
                piece = await self._request.content.readany()
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > most:
                raise BodyTooLarge
            grow(len(piece))
            pieces.append(piece)

    def _invite(self) -> None:
        """Tell a caller who asked first that the body is wanted."""
        if self._request.headers.get("Expect", "").lower() == "100-continue":
            transport = self._request.transport
            if transport is not None:
                transport.write(_CONTINUE)
