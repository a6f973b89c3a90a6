"""Requests over plain streams, for a pod that asks a few dozen things and ends.

Its run waits for each import, and aiohttp's alone takes as long as all that the pod asks for. Of HTTP/1.1 it
speaks what an API server does: answers with a length, in chunks, or until the end of the connection.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from typing import NamedTuple, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from scriptorium_client.config import Config
from scriptorium_client.transport import CONNECT_SECONDS, REQUEST_SECONDS, Answer, Broken, Rejected

T = TypeVar("T")

#: The most bytes of an answer's head, or of a line within its body.
_LONGEST_LINE = 65_536

#: So much is read at once of what has no length.
_PIECE = 65_536

#: What a stream raises where the server ends too early, or speaks anything but HTTP.
_FAULTS = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)


class _Head(NamedTuple):
    status: int
    fields: Mapping[str, str]

    @property
    def is_reusable(self) -> bool:
        """Say whether the connection goes on after the answer."""
        has_end = self.is_chunked or "content-length" in self.fields
        return has_end and self.fields.get("connection", "").lower() != "close"

    @property
    def is_chunked(self) -> bool:
        return self.fields.get("transfer-encoding", "").lower() == "chunked"


class _Connection:
    """One connection, with at most one request under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, config: Config) -> Self:
        address = urlsplit(config.server)
        port = address.port or (80 if config.tls is None else 443)
        async with asyncio.timeout(CONNECT_SECONDS):
            return cls(
                *await asyncio.open_connection(address.hostname, port, ssl=config.tls, limit=_LONGEST_LINE)
            )

    @property
    def is_open(self) -> bool:
        """Say whether the server has not ended it, as far as one can see from here."""
        return not (self._reader.at_eof() or self._writer.is_closing())

    def abort(self) -> None:
        """Close it now: nobody waits for the server to agree."""
        self._writer.transport.abort()

    async def send(self, request: bytes) -> _Head:
        """Send a request; give the head of its answer."""
        self._writer.write(request)
        await self._writer.drain()
        while True:
            head = _read_head(await self._reader.readuntil(b"\r\n\r\n"))
            if head.status >= 200:
                return head

    async def pieces(self, head: _Head) -> AsyncIterator[bytes]:
        """Give the body that follows the head, as it comes."""
        if head.is_chunked:
            while size := int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16):
                yield (await self._reader.readexactly(size + 2))[:-2]
            while await self._reader.readuntil(b"\r\n") != b"\r\n":
                pass
        elif "content-length" in head.fields:
            yield await self._reader.readexactly(int(head.fields["content-length"]))
        else:
            while piece := await self._reader.read(_PIECE):
                yield piece


def _read_head(data: bytes) -> _Head:
    first, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    version, status, *_ = first.split(" ", 2)
    if not version.startswith("HTTP/1."):
        raise ValueError(f"not an answer: {first[:100]!r}")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return _Head(int(status), fields)


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
                return await self._ask(request)
        except _FAULTS as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def _ask(self, request: bytes) -> Answer:
        connection = await self._take()
        is_whole = False
        try:
            head = await connection.send(request)
            content = b"".join([piece async for piece in connection.pieces(head)])
            is_whole = head.is_reusable
        finally:
            if is_whole:
                self._idle.append(connection)
            else:
                connection.abort()
        return Answer(head.status, content, head.fields.get("retry-after"))

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
            head = await _within(silence, connection.send(self._build("GET", path, headers, query, None)))
            pieces = connection.pieces(head)
            if head.status != 200:
                content = b"".join([piece async for piece in pieces])
                raise Rejected(Answer(head.status, content, head.fields.get("retry-after")))
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
            if connection.is_open:
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
    ) -> bytes:
        address = urlsplit(self._config.server)
        target = quote(address.path + path) + (f"?{urlencode(query)}" if query else "")
        fields = {"Host": address.netloc, "User-Agent": self._user_agent, "Accept": "application/json"}
        fields |= headers if body is None else {**headers, "Content-Length": str(len(body))}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
