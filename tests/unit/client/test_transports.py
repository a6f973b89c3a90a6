"""Both transports promise the same; most of it is faults that no real API server makes on demand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from scriptorium_client import Client, Config, Conflict, NotFound, Selection, Unavailable
from scriptorium_client.lean import LeanTransport
from scriptorium_client.pooled import PooledTransport
from scriptorium_client.resources import CONFIG_MAPS, NAMESPACES
from scriptorium_client.transport import Transport
from tests.support.ports import free_port
from tests.support.web import serve, serve_raw

OK = b"HTTP/1.1 200 OK\r\n"
TEAM = {"metadata": {"name": "team"}}
SELECTION = Selection(resource=CONFIG_MAPS, namespace="team")

Make = Callable[[Config], Transport]


@pytest.fixture(params=["lean", "pooled"])
def make(request: pytest.FixtureRequest) -> Make:
    """Give what makes a transport: both promise the same."""
    if request.param == "lean":
        return lambda config: LeanTransport(config, "test")
    return lambda config: PooledTransport(config, "test")


def configure(port: int) -> Config:
    return Config(f"http://127.0.0.1:{port}", "team", None, token="secret")  # noqa: S106 - of a server that asks for none


@asynccontextmanager
async def open_client(make: Make, port: int, silence: float = 5) -> AsyncIterator[Client]:
    config = configure(port)
    async with asyncio.timeout(20), Client(config, transport=make(config), silence_seconds=silence) as client:
        yield client


async def get_raw(make: Make, *pieces: bytes) -> object:
    async with serve_raw(*pieces) as site, open_client(make, site.port) as client:
        return await client.get(NAMESPACES, "team")


async def watch(client: Client) -> list[object]:
    async with aclosing(client.watch(SELECTION, "1")) as events:
        return [event["object"] async for event in events]


async def test_a_request_says_who_asks_and_what_for(make: Make) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"items": []})

    manifest = {"metadata": {"name": "one", "namespace": "team"}, "data": {"word": "ż" * 70_000}}
    async with serve(answer) as site, open_client(make, site.port) as client:
        await client.create(manifest, CONFIG_MAPS)
        await client.list_since(CONFIG_MAPS, "team", fields="metadata.name=a b&c", version="0")
    made, listed = site.seen
    assert (made.method, made.target) == ("POST", "/api/v1/namespaces/team/configmaps?fieldValidation=Strict")
    assert json.loads(made.body) == manifest
    sent = {name: made.headers[name] for name in ("authorization", "user-agent", "content-type")}
    assert sent == {
        "authorization": "Bearer secret",
        "user-agent": "test",
        "content-type": "application/json",
    }
    assert parse_qs(urlsplit(listed.target).query)["fieldSelector"] == ["metadata.name=a b&c"]


async def test_one_connection_serves_many_requests_and_a_closed_one_none(make: Make) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.json_response(TEAM)
        if len(site.seen) == 2:
            response.force_close()
        return response

    async with serve(answer) as site, open_client(make, site.port) as client:
        for _ in range(4):
            await client.get(NAMESPACES, "team")
    peers = [seen.peer for seen in site.seen]
    assert peers[0] == peers[1] != peers[2] == peers[3]


async def test_requests_at_once_have_connections_of_their_own(make: Make) -> None:
    both = asyncio.Barrier(2)

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        await both.wait()
        return web.json_response(TEAM)

    async with serve(answer) as site, open_client(make, site.port) as client:
        await asyncio.gather(client.get(NAMESPACES, "team"), client.get(NAMESPACES, "team"))


async def test_a_refusal_is_told_by_its_kind(make: Make) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"message": "no such thing"}, status=404)
        return web.json_response({"message": "later"}, status=429, headers={"Retry-After": "3"})

    async with serve(answer) as site, open_client(make, site.port) as client:
        with pytest.raises(NotFound, match="no such thing"):
            await client.get(NAMESPACES, "team")
        with pytest.raises(Unavailable, match="later") as told:
            await client.delete(NAMESPACES, "team")
    assert told.value.retry_after == 3


@pytest.mark.parametrize(
    "pieces",
    [
        [OK, b"Content-Length: 22\r\n\r\n", b'{"metadata":', b' {"a": 1}}'],
        [
            OK,
            b"transfer-encoding: chunked\r\n\r\n",
            b'C\r\n{"metadata":\r\na;x=y\r\n {"a": 1}}\r\n',
            b"0\r\n\r\n",
        ],
        [OK, b"Connection: close\r\n\r\n", b'{"metadata": {"a": 1}}'],
        [b"HTTP/1.1 100 Continue\r\n\r\n", OK, b"Content-Length: 22\r\n\r\n", b'{"metadata": {"a": 1}}'],
    ],
    ids=["length", "chunks", "until the end", "after another"],
)
async def test_a_body_is_read_to_its_end(make: Make, pieces: list[bytes]) -> None:
    assert await get_raw(make, *pieces) == {"metadata": {"a": 1}}


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200"],
        [b"SMTP 220 hello\r\n\r\n"],
        [OK, b"Content-Length: 22\r\n\r\n", b'{"metadata":'],
        [OK, b"Content-Length: many\r\n\r\n"],
        [OK, b"Transfer-Encoding: chunked\r\n\r\n", b"C\r\n{"],
        [OK, b"Transfer-Encoding: chunked\r\n\r\n", b"what\r\n{"],
        [OK, b"X: " + 100_000 * b"y" + b"\r\n\r\n"],
    ],
    ids=["nothing", "half a head", "no HTTP", "half a body", "no length", "half a chunk", "no chunk", "much"],
)
async def test_what_is_no_whole_answer_is_to_be_asked_again(make: Make, pieces: list[bytes]) -> None:
    with pytest.raises(Unavailable, match="GET /api/v1/namespaces/team"):
        await get_raw(make, *pieces)


async def test_where_nobody_listens_is_to_be_asked_again(make: Make) -> None:
    async with open_client(make, free_port()) as client:
        with pytest.raises(Unavailable):
            await client.get(NAMESPACES, "team")
        with pytest.raises(Unavailable):
            await watch(client)


async def test_an_answer_that_does_not_come_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lean", "pooled"):
        monkeypatch.setattr(f"scriptorium_client.{module}.REQUEST_SECONDS", 0.05)
    async with (
        serve_raw(OK, then=lambda reader: reader.read()) as site,
        open_client(make, site.port) as client,
    ):
        with pytest.raises(Unavailable, match="TimeoutError"):
            await client.get(NAMESPACES, "team")


async def test_a_request_that_nobody_waits_for_leaves_no_answer_to_the_next(make: Make) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if len(site.seen) == 1:
            asked.set()
            await is_over.wait()
        return web.json_response({"number": len(site.seen)})

    asked, is_over = asyncio.Event(), asyncio.Event()
    async with serve(answer) as site, open_client(make, site.port) as client:
        first = asyncio.create_task(client.get(NAMESPACES, "team"))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        is_over.set()
        assert await client.get(NAMESPACES, "team") == {"number": 2}


def write_events(*numbers: int) -> bytes:
    lines = b"".join(json.dumps({"type": "ADDED", "object": number}).encode() + b"\n" for number in numbers)
    return f"{len(lines):x}\r\n".encode() + lines + b"\r\n"


WATCHING = OK + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_a_watch_gives_what_comes_until_its_end(make: Make) -> None:
    pieces = [WATCHING, write_events(1), write_events(2, 3), b"0\r\n\r\n"]
    async with serve_raw(*pieces) as site, open_client(make, site.port) as client:
        assert await watch(client) == [1, 2, 3]


async def test_a_watch_that_falls_silent_ends(make: Make) -> None:
    pieces = [WATCHING, write_events(1)]
    async with (
        serve_raw(*pieces, then=lambda reader: reader.read()) as site,
        open_client(make, site.port, silence=0.05) as client,
    ):
        assert await watch(client) == [1]


async def test_a_watch_that_breaks_off_says_so(make: Make) -> None:
    async with serve_raw(WATCHING, write_events(1)[:-4]) as site, open_client(make, site.port) as client:
        with pytest.raises(Unavailable, match="broke off"):
            await watch(client)


async def test_a_watch_that_is_refused_says_why(make: Make) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"message": "changed"}, status=409)

    async with serve(answer) as site, open_client(make, site.port) as client:
        with pytest.raises(Conflict, match="changed"):
            await watch(client)


async def test_a_watch_that_nobody_follows_any_more_is_closed_at_once(make: Make) -> None:
    closed = asyncio.Event()

    async def wait_for_end(reader: asyncio.StreamReader) -> None:
        try:
            await reader.read()
        finally:
            closed.set()

    async with (
        serve_raw(WATCHING, write_events(1), then=wait_for_end) as site,
        open_client(make, site.port) as client,
    ):
        async with aclosing(client.watch(SELECTION, "1")) as events:
            assert (await anext(events))["object"] == 1
        await asyncio.wait_for(closed.wait(), 5)
