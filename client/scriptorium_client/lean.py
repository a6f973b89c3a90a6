"""Requests over plain streams, for a pod that asks a few dozen things and ends.

Its run waits for each import, and aiohttp's alone takes as long as all that the pod asks for; that of h11, by
which HTTP/1.1 is spoken here, takes a seventh of it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from typing import Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import h11

from scriptorium_client.config import Config
from scriptorium_client.transport import CONNECT_SECONDS, REQUEST_SECONDS, Answer, Broken, Rejected

T = TypeVar("T")

#: So much is read at once.
_PIECE = 65_536

#: What there is where the server ends too early, or speaks anything but HTTP.
_FAULTS = (OSError, h11.ProtocolError)


class _Connection:
    """One connection, with at most one request under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(cls, config: Config) -> Self:
        address = urlsplit(config.server)
        port = address.port or (80 if config.tls is None else 443)
        async with asyncio.timeout(CONNECT_SECONDS):
            return cls(*await asyncio.open_connection(address.hostname, port, ssl=config.tls))

    def begin_anew(self) -> bool:
        """Say whether another request can be sent: the last one is over, and the server has not ended it."""
        if self._reader.at_eof() or self._writer.is_closing():
            return False
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return self._http.our_state is h11.IDLE

    def abort(self) -> None:
        """Close it now: nobody waits for the server to agree."""
        self._writer.transport.abort()

    async def send(self, request: h11.Request, body: bytes | None) -> h11.Response:
        """Send a request; give the head of its answer."""
        for event in (request, h11.Data(data=body or b""), h11.EndOfMessage()):
            self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()
        while True:
            head = await self._receive()
            if isinstance(head, h11.Response):
                return head

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the body that follows the head, as it comes."""
        while isinstance(event := await self._receive(), h11.Data):
            yield bytes(event.data)

    async def _receive(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_PIECE))
        return event


async def _within(seconds: float, waiting: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await waiting


class LeanTransport:
    """Few connections: each request has one that is open and idle, or a new one."""

    def __init__(self, config: Config, user_agent: str) -> None:
        self._config, self._user_agent = config, user_agent
        self._idle: list[_Connection] = []

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and give its answer, whatever its status; raises Broken."""
        request = self._build(method, path, headers, query, body)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._ask(request, body)
        except _FAULTS as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def _ask(self, request: h11.Request, body: bytes | None) -> Answer:
        connection = await self._take()
        try:
            answer = await _read_whole(connection, await connection.send(request, body))
        except BaseException:
            connection.abort()
            raise
        self._idle.append(connection)
        return answer

    async def listen(
        self, path: str, *, headers: Mapping[str, str], query: Mapping[str, str], silence: float
    ) -> AsyncGenerator[bytes, None]:
        """Give an answer piece by piece until its end, or until nothing came for `silence` seconds.

        Raises Rejected if its status is not 200, and Broken.
        """
        try:
            connection = await self._take()
        except _FAULTS as error:
            raise Broken(f"{type(error).__name__}: {error}") from error
        try:
            request = self._build("GET", path, headers, query, None)
            head = await _within(silence, connection.send(request, None))
            if head.status_code != 200:
                raise Rejected(await _within(silence, _read_whole(connection, head)))
            pieces = connection.pieces()
            while piece := await _within(silence, anext(pieces, b"")):
                yield piece
        except TimeoutError:
            return
        except _FAULTS as error:
            raise Broken(f"{type(error).__name__}: {error}") from error
        finally:
            connection.abort()

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().abort()
        # A socket is closed in the round of the loop after that of its transport.
        await asyncio.sleep(0)

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.begin_anew():
                return connection
            connection.abort()
        return await _Connection.open(self._config)

    def _build(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None,
        body: bytes | None,
    ) -> h11.Request:
        address = urlsplit(self._config.server)
        target = quote(address.path + path) + (f"?{urlencode(query)}" if query else "")
        fields = {"Host": address.netloc, "User-Agent": self._user_agent, "Accept": "application/json"}
        fields |= headers if body is None else {**headers, "Content-Length": str(len(body))}
        return h11.Request(method=method, target=target, headers=list(fields.items()))


async def _read_whole(connection: _Connection, head: h11.Response) -> Answer:
    content = b"".join([piece async for piece in connection.pieces()])
    retry = next((value.decode("latin-1") for name, value in head.headers if name == b"retry-after"), None)
    return Answer(head.status_code, content, retry)
