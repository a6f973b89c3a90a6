"""Real web servers on this machine's loopback, and an `http` that may reach exactly them."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from scriptorium_api.host_patterns import Address, parse_host_pattern
from scriptorium_runner.host.http import Ending, Grant, HttpClient, HttpHost, HttpSettings
from scriptorium_runner.host.http.addresses import Judge, Verdict, judge_address

LOOPBACK = ipaddress.ip_address("127.0.0.1")

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Seen:
    """One request that a server got."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass
class Site:
    """A server that answers as a test says, and remembers what it was asked."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)

    @property
    def last(self) -> Seen:
        """Give the last request."""
        return self.seen[-1]


async def say_hello(request: web.BaseRequest) -> web.StreamResponse:
    """Answer as a server does that is well."""
    return web.Response(text="hello", headers={"Content-Type": "text/plain; charset=utf-8"})


@contextlib.asynccontextmanager
async def serve(answer: Answer = say_hello, host: str = "127.0.0.1", tls: Any = None) -> AsyncIterator[Site]:
    """Run a server on a port of its own."""
    site = Site()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        peer = request.transport.get_extra_info("peername")[:2] if request.transport else ("", 0)
        site.seen.append(Seen(request.method, request.raw_path, headers, await request.read(), peer))
        return await answer(request)

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, host, 0, ssl_context=tls)
    await listener.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def serve_raw(
    *pieces: bytes, then: Callable[[asyncio.StreamReader], Awaitable[object]] | None = None
) -> AsyncIterator[Site]:
    """Run a server that sends these bytes whatever it is asked, and closes, after `then` if there is one."""
    site = Site()
    answering: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        answering.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = await reader.readuntil(b"\r\n\r\n")
                method, target = head.decode().split(" ")[:2]
                site.seen.append(Seen(method, target, {}, head, writer.get_extra_info("peername")[:2]))
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if then:
                    await then(reader)
        finally:
            answering.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        await server.wait_closed()


@dataclass
class Names:
    """Name servers of a test: each name's answers, one a lookup, the last for ever after."""

    answers: dict[str, list[tuple[str, ...]]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str) -> tuple[Address, ...]:
        self.asked.append(host)
        turns = self.answers.get(host, [()])
        turn = turns.pop(0) if len(turns) > 1 else turns[0]
        return tuple(ipaddress.ip_address(text) for text in turn)


def admit(*sites: Site, verdict: Verdict = Verdict.PUBLIC) -> Judge:
    """Judge as the platform does, but for these servers: loopback at exactly their ports."""

    def judge(address: Address, port: int) -> Verdict:
        if address.is_loopback and any(port == site.port for site in sites):
            return verdict
        return judge_address(address)

    return judge


@dataclass
class Caller:
    """What a script's run has: short ways to call."""

    host: HttpHost
    client: HttpClient
    names: Names
    endings: list[Ending]

    async def request(self, url: str, **options: Any) -> dict[str, Any]:
        """Call as the sandbox does."""
        return await self.host.call("http.request", [{"url": url, **options}])


@contextlib.asynccontextmanager
async def open_caller(
    allow: Iterable[str],
    *sites: Site,
    names: dict[str, list[tuple[str, ...]]] | None = None,
    settings: HttpSettings | None = None,
    judge: Judge | None = None,
    seconds: float = 10,
    traceparent: str | None = None,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[Caller]:
    """Give an `http` that may call these hosts; names without an answer of their own are this machine's."""
    patterns = tuple(parse_host_pattern(text) for text in allow)
    answers: dict[str, list[tuple[str, ...]]] = {each.host: [("127.0.0.1",)] for each in patterns}
    found = Names(answers | (names or {}))
    endings: list[Ending] = []
    options: dict[str, Any] = {"clock": clock} if clock else {}
    if sites and judge is None:
        judge = admit(*sites)
    async with HttpClient(settings or HttpSettings(), judge=judge, look_up=found, **options) as client:
        grant = Grant(
            allow=patterns, seconds_left=lambda: seconds, traceparent=traceparent, tell=endings.append
        )
        yield Caller(HttpHost(client, grant), client, found, endings)
