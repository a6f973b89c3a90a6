"""A proxy in front of the API server that records requests and answers some of them wrongly, as a test says.

It runs in a thread of its own, since the tests around it wait by blocking.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

_HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "content-encoding"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks."""

    method: str
    path: str
    query: dict[str, str]
    accept: str = ""
    agent: str = ""

    @property
    def is_watch(self) -> bool:
        """Say whether it is a watch."""
        return self.query.get("watch") == "true"

    @property
    def is_write(self) -> bool:
        """Say whether it changes something; a leader's renewals do not count."""
        return self.method not in ("GET", "HEAD") and "/leases" not in self.path

    @property
    def is_read(self) -> bool:
        """Say whether it asks for what is there now; a leader's look at its Lease does not count."""
        return self.method == "GET" and not self.is_watch and "/leases" not in self.path

    @property
    def question(self) -> tuple[str, str, str]:
        """Give what two reads have in common that are to be answered alike."""
        return self.path, str(sorted(self.query.items())), self.accept

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this status instead of asking the API server."""

    status: int
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """Carry the request, and close the answer after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Mute:
    """Carry the request and its head, and then nothing more, without closing."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Answer a watch with an expired resource version, as after a compaction."""


@dataclass(frozen=True, slots=True)
class Lose:
    """Have the API server do it, then call this and never answer."""

    then: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Replay:
    """Answer a read as it was answered once, without asking the API server."""

    status: int
    headers: dict[str, str]
    body: bytes


Fault = Refuse | Cut | Mute | Expire | Lose | Replay
Rule = Callable[[Request], Fault | None]


@dataclass
class FaultProxy:
    """Carries requests from a port of this machine to the API server; `rule` says what goes wrong."""

    server: str
    rule: Rule = lambda _request: None
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    is_recording: bool = False
    """Whether answers to reads are kept; the first one of each."""
    recorded: dict[tuple[str, str, str], Replay] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: threading.Event = field(default_factory=threading.Event)

    @property
    def writes(self) -> list[Request]:
        """Give the writes that were asked for, in order."""
        return [request for request in self.requests if request.is_write]

    def start(self) -> None:
        """Listen on loopback."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """End every connection, and the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        # What was closed last keeps its socket for a few more passes of the loop; nothing tells how many.
        self._loop.run_until_complete(asyncio.sleep(0.1))

    async def _serve(self) -> None:
        connector = aiohttp.TCPConnector(ssl=False, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            self._session = session
            app = web.Application(client_max_size=8 * 1024 * 1024)
            app.router.add_route("*", "/{path:.*}", self._carry)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()
            await _cancel_the_rest(asyncio.current_task())

    async def _carry(self, asked: web.Request) -> web.StreamResponse:
        accept, agent = asked.headers.get("Accept", ""), asked.headers.get("User-Agent", "")
        request = Request(asked.method, asked.path, dict(asked.query), accept, agent)
        self.requests.append(request)
        fault = self.rule(request)
        if isinstance(fault, Refuse):
            return _refuse(fault)
        if isinstance(fault, Expire):
            event = {"type": "ERROR", "object": _status(410, "too old resource version")}
            # Events are told apart by their line ends, the last one too.
            return web.Response(text=json.dumps(event) + "\n", content_type="application/json")
        if isinstance(fault, Replay):
            return web.Response(status=fault.status, headers=fault.headers, body=fault.body)
        headers = {key: value for key, value in asked.headers.items() if key.lower() not in _HOP_HEADERS}
        url = self.server + asked.path_qs
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.request(
            asked.method, url, headers=headers, data=await asked.read() or None, timeout=timeout
        ) as answer:
            if isinstance(fault, Lose):
                await answer.read()
                fault.then()
                await asyncio.sleep(3600)
            if self.is_recording and request.is_read:
                body = await answer.read()
                self.recorded.setdefault(request.question, Replay(answer.status, _headers_of(answer), body))
                return web.Response(status=answer.status, headers=_headers_of(answer), body=body)
            return await _pass_on(asked, answer, fault)


def _headers_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_HEADERS}
    if "Content-Encoding" in answer.headers:
        kept["Content-Encoding"] = answer.headers["Content-Encoding"]
    return kept


async def _cancel_the_rest(this: asyncio.Task[None] | None) -> None:
    """End what would wait for ever: requests that are muted or lost, and watches of who was killed."""
    left = asyncio.all_tasks() - {this}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def _pass_on(
    asked: web.Request, answer: aiohttp.ClientResponse, fault: Cut | Mute | None
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_headers_of(answer))
    with contextlib.suppress(ConnectionError):
        await response.prepare(asked)
    # A client that was killed is gone in the middle of its answer.
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(fault.seconds if isinstance(fault, Cut) else None):
            async for chunk in answer.content.iter_any():
                if isinstance(fault, Mute):
                    await asyncio.sleep(3600)
                await response.write(chunk)
    return response


def _refuse(fault: Refuse) -> web.Response:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    return web.json_response(
        _status(fault.status, "ordered by the test"), status=fault.status, headers=headers
    )


def _status(code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
