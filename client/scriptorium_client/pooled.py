"""Requests by aiohttp: hundreds at once, and long watches of busy kinds."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from types import SimpleNamespace

import aiohttp

from scriptorium_client.config import Config
from scriptorium_client.transport import (
    CONNECT_SECONDS,
    LISTEN_SECONDS,
    REQUEST_SECONDS,
    Answer,
    Broken,
    Rejected,
    Tell,
)

#: The most that are open at once; other requests wait.
CONNECTIONS = 64


class PooledTransport:
    """A session of aiohttp."""

    def __init__(self, config: Config, user_agent: str, tell: Tell | None = None) -> None:
        self._server = config.server
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=config.tls or True, limit=CONNECTIONS),
            headers={"User-Agent": user_agent},
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS),
            trace_configs=[_trace(tell)] if tell else None,
        )

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
        try:
            async with self._session.request(
                method, self._server + path, params=query, data=body, headers=headers
            ) as response:
                return await _read(response)
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def listen(
        self, path: str, *, headers: Mapping[str, str], query: Mapping[str, str], silence: float
    ) -> AsyncGenerator[bytes, None]:
        """Give an answer piece by piece until its end, or until nothing came for `silence` seconds.

        Raises Rejected if its status is not 200, and Broken.
        """
        timeout = aiohttp.ClientTimeout(total=LISTEN_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=silence)
        try:
            async with self._session.get(
                self._server + path, params=query, headers=headers, timeout=timeout
            ) as response:
                if response.status != 200:
                    raise Rejected(await _read(response))
                try:
                    async for piece in response.content.iter_any():
                        yield piece
                finally:
                    _drop(response)
        except aiohttp.SocketTimeoutError:
            return
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        # A socket is closed in the round of the loop after that of its transport.
        await asyncio.sleep(0)


async def _read(response: aiohttp.ClientResponse) -> Answer:
    return Answer(response.status, await response.read(), response.headers.get("Retry-After"))


def _drop(response: aiohttp.ClientResponse) -> None:
    """Close the connection of a watch that has not ended, now: nobody waits for the server to agree.

    It belongs to no pool any more, so closing the session would not wait for it either.
    """
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()


def _trace(tell: Tell) -> aiohttp.TraceConfig:
    async def on_end(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, request: aiohttp.TraceRequestEndParams
    ) -> None:
        tell(request.method, request.response.status)

    async def on_exception(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        request: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        tell(request.method, None)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_end)
    trace.on_request_exception.append(on_exception)
    return trace
