"""The connections of a port: bounded in number, heads bounded in size and time, and problems told as such."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from scriptorium_runner.endpoints import request_ids
from scriptorium_runner.endpoints.calls import Problem, render_problem
from scriptorium_runner.web import outgoing
from scriptorium_runner.web.outgoing import Message

#: They differ, so that an error tells which of them was exceeded.
MAX_LINE_BYTES = 8 * 1024
MAX_FIELD_BYTES = 16 * 1024
MAX_FIELDS = 100

#: Files that a runner opens for other things: its workers, the API server, what scripts ask.
_OTHER_FILES = 512
_LEAST_CONNECTIONS = 16

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """One connection; beyond what its base does, it waits for the end of a head no longer than it must."""

    __slots__ = ("_head_seconds", "_head_timer")

    def __init__(self, manager: web.Server, *, head_seconds: float, **options: Any) -> None:
        super().__init__(manager, **options)
        self._head_seconds = head_seconds
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; who connects is about to ask, if there is room."""
        listener = cast("Listener", self._manager)
        super().connection_made(transport)
        self._await_head()
        listener.make_room(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._forget_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes: those that complete no head begin one, unless a body is being read."""
        known = self._request_count
        super().data_received(data)
        if self._request_count > known:
            self._forget_timer()
        elif self._is_waiting:
            self._await_head()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the parser refused, and what is an error of ours; the connection ends with it."""
        if isinstance(exc, HttpProcessingError):
            # Anybody can send as much of it as they like; and nothing of it is told, since it may be a token.
            self.logger.debug("a request is no HTTP", extra={"error": type(exc).__name__})
        else:
            self.logger.error("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("half of an answer was sent")
        request_id = request_ids.choose_id(())
        problem = find_problem(status, exc, self.max_field_size)
        answer = render_problem(problem, request_id).with_headers(("X-Request-Id", request_id))
        return cast("web.StreamResponse", Message(answer, is_last=True, seconds=self._head_seconds))

    @property
    def is_idle(self) -> bool:
        """Say whether nothing is asked at the moment."""
        return self._is_waiting and not self._messages

    def refuse(self) -> None:
        """Say that there is no room, and end."""
        if self.transport is not None:
            self.transport.write(_write_refusal())
        self.force_close()

    @property
    def _is_waiting(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self._loop.call_later(self._head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._head_timer = None
        if self._is_waiting:
            self.force_close()

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Listener(web.Server):
    """Makes a Connection of every connection, of which there are never more than so many.

    For one too many the oldest that asks nothing ends: most often nobody misses it, and no number of silent
    ones keeps others out. Where all are being answered, the new one is told to come again.
    """

    def __init__(self, handler: Handler, *, most_connections: int, **options: Any) -> None:
        super().__init__(handler, **options)
        self._most = most_connections

    def make_room(self, newest: Connection) -> None:
        """End one connection if there are too many."""
        if len(self._connections) <= self._most:
            return
        known = (cast("Connection", each) for each in self._connections if each is not newest)
        idle = next((each for each in known if each.is_idle), None)
        if idle is None:
            newest.refuse()
        else:
            idle.force_close()

    def __call__(self) -> web.RequestHandler:
        """Make one."""
        return Connection(self, loop=self._loop, **self._kwargs)


def limit_to_files(most: int) -> int:
    """Give so many connections, or fewer where a process may not open so many files beside its others."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return most
    return min(most, max(_LEAST_CONNECTIONS, files - _OTHER_FILES))


def find_problem(
    status: int, error: BaseException | None, most_field_bytes: int = MAX_FIELD_BYTES
) -> Problem:
    """Say what is wrong with a message that was refused."""
    if isinstance(error, LineTooLong):
        if error.args[1] == MAX_LINE_BYTES:
            return Problem(414, "URI Too Long", f"a URL may have {MAX_LINE_BYTES} bytes")
        return _tell_fields(most_field_bytes)
    if isinstance(error, HttpProcessingError):
        if error.message.startswith("Too many headers"):
            return _tell_fields(most_field_bytes)
        return Problem(400, "Bad Request", "this is not HTTP/1.1 as its standard has it")
    return Problem(status, HTTPStatus(status).phrase)


def _tell_fields(most_bytes: int) -> Problem:
    return Problem(
        431,
        "Request Header Fields Too Large",
        f"a request may have {MAX_FIELDS} headers of {most_bytes} bytes each",
    )


def _write_refusal() -> bytes:
    """Write the answer to a connection that there is no room for."""
    request_id = request_ids.choose_id(())
    detail = "there are too many connections; try again in a moment"
    headers = (("Retry-After", "1"), ("X-Request-Id", request_id))
    problem = Problem(503, "Service Unavailable", detail, headers)
    return outgoing.write_last(render_problem(problem, request_id))
