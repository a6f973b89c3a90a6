"""From an Answer to a message of HTTP/1.1.

The web server's own response does more (files, ranges, compression, cookies) than anybody here needs, in more
time; and it waits without end for a caller who does not read.
"""

import asyncio
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from aiohttp import web

from scriptorium_runner.endpoints.calls import Answer, Headers

SERVER: Final = "scriptorium"

#: These never have a body, and no length of one.
_BARE = frozenset({204, 304})
_HEAD = "HEAD"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Unsendable(Exception):
    """A header would break the message: a bug of ours, since all were judged before."""


class Message:
    """An answer on its way out, as far as the web server asks of one."""

    def __init__(self, answer: Answer, *, is_last: bool, seconds: float) -> None:
        """`is_last` ends the connection; all of it may take so many seconds. Raises Unsendable."""
        self._answer, self._seconds = answer, seconds
        self._lines = _write_lines(answer.headers)
        self._request: web.BaseRequest | None = None
        self._is_last = is_last

    @property
    def keep_alive(self) -> bool:
        """Say whether the connection goes on."""
        return not self._is_last

    async def prepare(self, request: web.BaseRequest) -> None:
        """Learn of the connection."""
        self._request = request
        # What HTTP/1.0 does to keep a connection nobody needs.
        self._is_last = self._is_last or not request.keep_alive or request.version < (1, 1)

    async def write_eof(self) -> None:
        """Send all of it; raises ConnectionError if the caller is gone, or does not read."""
        assert self._request is not None, "the server prepares first"  # noqa: S101
        transport, protocol = self._request.transport, self._request.protocol
        if transport is None:
            raise ConnectionResetError("the caller is gone")
        head = _write_head(self._answer, self._lines, is_last=self._is_last)
        body = b"" if self._request.method == _HEAD or self._answer.status in _BARE else self._answer.body
        transport.write(head + body)
        if protocol._paused:
            await self._wait_for_reader(protocol, transport)

    async def _wait_for_reader(self, protocol: "web.RequestHandler", transport: asyncio.Transport) -> None:
        """Wait until what was written is on its way: a caller who reads slowly holds memory."""
        try:
            async with asyncio.timeout(self._seconds):
                await protocol._drain_helper()
        except TimeoutError as error:
            transport.abort()
            raise ConnectionAbortedError("the caller does not read") from error


def write_last(answer: Answer) -> bytes:
    """Write an answer after which the connection ends; raises Unsendable."""
    return _write_head(answer, _write_lines(answer.headers), is_last=True) + answer.body


def _write_head(answer: Answer, lines: str, *, is_last: bool) -> bytes:
    length = "" if answer.status in _BARE else f"Content-Length: {len(answer.body)}\r\n"
    connection = "Connection: close\r\n" if is_last else ""
    first = f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}\r\n"
    own = f"{length}Date: {_format_date(int(time.time()))}\r\nServer: {SERVER}\r\n{connection}\r\n"
    return f"{first}{lines}{own}".encode("latin-1")


#: What the message says of itself; whoever else says it is not heard.
_OWN = frozenset({"content-length", "date", "server", "connection", "transfer-encoding"})


def _write_lines(headers: Headers) -> str:
    lines = [f"{name}: {value}\r\n" for name, value in headers if name.lower() not in _OWN]
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text or not text.isascii():
        raise Unsendable("a header has what no header may have")
    return text


@lru_cache(2)
def _format_date(second: int) -> str:
    return formatdate(second, usegmt=True)
