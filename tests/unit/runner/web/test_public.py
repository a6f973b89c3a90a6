"""Requests through a real port, a real engine and back."""

import asyncio
import json
import re
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from scriptorium_runner.endpoints.listening import Patience
from scriptorium_runner.endpoints.uploads import GRACE_SECONDS, Upload
from scriptorium_runner.engine import Engine
from scriptorium_runner.executions.outside import Outside
from scriptorium_runner.host.http import HttpClient, HttpSettings
from tests.support import web
from tests.support.endpoints import make_endpoint
from tests.support.replies import Reply
from tests.support.serving import EndpointsBoard, Site, SiteOptions, serving
from tests.support.waiting import until_async

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOOP = "for (;;) {}"


def read_problem(reply: Reply) -> dict[str, Any]:
    """Give a problem, which every one is written as."""
    assert reply.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(reply.body)
    assert problem["status"] == reply.status
    assert problem["requestId"] == reply.headers["x-request-id"]
    return problem


async def test_a_script_answers_a_request(engine: Engine) -> None:
    async with serving(engine, make_endpoint("hello", "/hello/{name}")) as site:
        reply = await site.ask("/hello/Ada")
    assert (reply.status, reply.text) == (200, "hello Ada")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_script_sees_all_of_a_request(engine: Engine) -> None:
    source = "const { method, path, params, query, headers, cookies, ip } = request;"
    source += "return { method, path, params, query, x: headers['x-a'], cookies, ip, body: request.json() }"
    endpoint = make_endpoint("all", "/a/{b}", methods=["POST"])
    headers = {"X-A": "1", "Cookie": "c=d; c=e"}
    async with serving(engine, endpoint, source=source) as site:
        reply = await site.ask("/a/%C3%A9?q=1&r=2&q=%20", "POST", headers=headers, json={"n": 1})
    assert json.loads(reply.body) == {
        "method": "POST",
        "path": "/a/%C3%A9",
        "params": {"b": "é"},
        "query": {"q": ["1", " "], "r": "2"},
        "x": "1",
        "cookies": {"c": "d"},
        "ip": "127.0.0.1",
        "body": {"n": 1},
    }


async def test_a_script_sees_who_asks_and_for_what(engine: Engine) -> None:
    source = "return { user: ctx.user, type: ctx.script.type, by: ctx.execution.triggeredBy,"
    source += " id: ctx.execution.id, same: request.id === ctx.execution.id }"
    async with serving(engine, make_endpoint("root", "/"), source=source) as site:
        reply = await site.ask("/", headers={"X-Request-Id": "mine-1"})
    found = json.loads(reply.body)
    assert found == {"user": None, "type": "endpoint", "by": "api", "id": "mine-1", "same": True}


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [("a.B_c-1", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("", False)],
)
async def test_a_request_keeps_its_callers_id_if_that_is_well_formed(
    engine: Engine, sent: str, is_taken: bool
) -> None:
    async with serving(engine, make_endpoint("root", "/")) as site:
        reply = await site.ask("/", headers={"X-Request-Id": sent})
    given = reply.headers["x-request-id"]
    assert (given == sent) is is_taken
    assert is_taken or uuid.UUID(given)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/other", "GET", 404),
        ("//hello", "GET", 400),
        ("/a/../hello", "GET", 400),
        ("/%2e%2e/hello", "GET", 400),
        ("/a%2Fb", "GET", 400),
        ("/%zz", "GET", 400),
        ("/hello", "DELETE", 405),
        ("/hello", "TRACE", 405),
        ("/hello", "PURGE", 405),
    ],
)
async def test_what_no_script_answers_is_a_problem(
    engine: Engine, path: str, method: str, status: int
) -> None:
    async with serving(engine, make_endpoint("hello", "/hello")) as site:
        reply = read_raw(await send_raw(site, f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert read_problem(reply)["status"] == status
    if status == 405:
        assert reply.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_head_has_the_length_of_get_and_no_body(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="return request.method") as site:
        raw = await send_raw(site, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", to_end=True)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert body == b""
    assert b"content-length: 4" in head.lower()


async def test_options_says_what_there_is(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", methods=["GET", "PUT"])
    async with serving(engine, endpoint) as site:
        reply = await site.ask("/", "OPTIONS")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS, PUT"


async def test_binary_bodies_come_and_go_as_they_are(engine: Engine) -> None:
    body = bytes(range(256)) * 256
    endpoint = make_endpoint("echo", "/", methods=["POST"])
    async with serving(engine, endpoint, source="return { status: 201, body: request.body }") as site:
        reply = await site.ask("/", "POST", data=body)
    assert (reply.status, reply.body) == (201, body)


async def test_a_body_in_chunks_comes_whole(engine: Engine) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 20_000

    endpoint = make_endpoint("size", "/", methods=["POST"])
    async with serving(engine, endpoint, source="return `${request.body.length}`") as site:
        reply = await site.ask("/", "POST", data=chunks())
    assert reply.text == "100000"


async def test_a_large_body_is_refused_before_it_is_sent(engine: Engine) -> None:
    endpoint = make_endpoint("size", "/", methods=["POST"])
    async with serving(engine, endpoint) as site:
        head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10485760\r\n\r\n"
        reply = read_raw(await send_raw(site, head))
    assert read_problem(reply)["title"] == "Content Too Large"
    assert reply.status == 413
    assert site.ended[-1].rejected == "too_large"


async def test_a_large_body_in_chunks_is_refused_when_it_is_too_much(engine: Engine) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    endpoint = make_endpoint("size", "/", methods=["POST"])
    async with serving(engine, endpoint) as site:
        reply = await site.ask("/", "POST", data=chunks())
    assert reply.status == 413


async def test_who_asks_first_is_told_to_send_its_body(engine: Engine) -> None:
    endpoint = make_endpoint("size", "/", methods=["POST"])
    async with serving(engine, endpoint, source="return request.text()") as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.readuntil(b"hi")).startswith(b"HTTP/1.1 200 OK\r\n")
        await close(writer)


async def test_a_body_that_does_not_come_is_given_up(engine: Engine) -> None:
    endpoint = make_endpoint("size", "/", methods=["POST"])
    options = SiteOptions(patience=Patience(stall=0.2))
    async with serving(engine, endpoint, options=options) as site:
        head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"
        reply = read_raw(await send_raw(site, head))
    assert read_problem(reply)["status"] == 408


async def test_a_head_that_does_not_come_is_given_up(engine: Engine) -> None:
    options = SiteOptions(patience=Patience(head=0.2))
    async with serving(engine, make_endpoint("root", "/"), options=options) as site:
        assert await send_raw(site, "GET / HTTP/1.1\r\nHost: a\r\n", to_end=True) == b""
        assert await send_raw(site, "", to_end=True) == b""


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("nonsense\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400),
        (f"GET /{'a' * 9000} HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (f"GET / HTTP/1.1\r\nHost: a\r\nX-A: {'a' * 17_000}\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 150 + "\r\n", 431),
    ],
)
async def test_what_is_no_http_is_a_problem_too(engine: Engine, message: str, status: int) -> None:
    async with serving(engine, make_endpoint("root", "/", methods=["GET", "POST"])) as site:
        reply = read_raw(await send_raw(site, message))
    assert read_problem(reply)["status"] == status


@pytest.mark.parametrize("encoding", ["gzip", "br", "nonsense"])
async def test_a_packed_body_is_refused(engine: Engine, encoding: str) -> None:
    endpoint = make_endpoint("root", "/", methods=["POST"])
    async with serving(engine, endpoint) as site:
        reply = await site.ask("/", "POST", data=b"x", headers={"Content-Encoding": encoding})
    assert read_problem(reply)["status"] == 415


async def test_the_error_of_a_script_is_told_to_its_author_alone(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="throw new Error('secret plan')") as site:
        reply = await site.ask("/")
    problem = read_problem(reply)
    assert (problem["status"], set(problem)) == (500, {"type", "title", "status", "requestId"})
    error = site.ended[-1].result.error if site.ended[-1].result else None
    assert error is not None
    assert error.message == "secret plan"


async def test_the_error_of_a_script_is_told_where_debug_is_on(engine: Engine) -> None:
    source = "console.log('before'); throw new TypeError('plan')"
    async with serving(engine, make_endpoint("root", "/", debug=True), source=source) as site:
        problem = read_problem(await site.ask("/"))
    assert (problem["error"]["name"], problem["error"]["message"]) == ("TypeError", "plan")
    assert problem["error"]["line"] == 1
    assert [each["message"] for each in problem["logs"]] == ["before"]


async def test_an_answer_that_is_none_is_an_error(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source="return { status: 999 }") as site:
        reply = await site.ask("/")
    assert read_problem(reply)["status"] == 500
    assert site.ended[-1].result is not None
    assert site.ended[-1].result.error is not None
    assert site.ended[-1].result.error.name == "InvalidResponse"


async def test_a_script_that_takes_too_long_is_ended(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/", timeoutSeconds=1), source=LOOP) as site:
        assert read_problem(await site.ask("/"))["status"] == 504


async def test_an_answer_is_as_large_as_the_endpoint_says_whatever_the_script_says_of_output(
    engine: Engine,
) -> None:
    endpoints = [make_endpoint("large", "/large"), make_endpoint("small", "/small", maxResponseKB=1)]
    async with serving(engine, *endpoints, source="return 'x'.repeat(100_000)") as site:
        assert len((await site.ask("/large")).body) == 100_000
        assert (await site.ask("/small")).status == 500


async def test_who_goes_away_ends_the_script(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/"), source=LOOP) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await until_async(lambda: engine.stats().in_use == 1)
        await close(writer)
        await until_async(lambda: engine.stats().in_use == 0)
        await until_async(lambda: len(site.ended) == 1)
        assert (site.ended[0].status, site.ended[0].rejected) == (499, "gone")


async def test_where_nobody_can_wait_the_answer_comes_at_once(engine: Engine) -> None:
    options = SiteOptions(slots=1, queue=0)
    source = "if (request.path === '/slow') for (;;) {} return 'quick'"
    endpoints = [make_endpoint("slow", "/slow"), make_endpoint("root", "/")]
    async with serving(engine, *endpoints, source=source, options=options) as site:
        slow = asyncio.create_task(site.ask("/slow"))
        await until_async(lambda: engine.stats().in_use == 1)
        reply = await site.ask("/")
        assert read_problem(reply)["status"] == 503
        assert reply.headers["retry-after"] == "1"
        assert site.ended[-1].rejected == "overload"
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        await until_async(lambda: engine.stats().in_use == 0)
        assert (await site.ask("/")).text == "quick"


async def test_who_waits_in_vain_is_told_so(engine: Engine) -> None:
    options = SiteOptions(slots=1, queue=5, seconds=0.1)
    async with serving(engine, make_endpoint("root", "/"), source=LOOP, options=options) as site:
        slow = asyncio.create_task(site.ask("/"))
        await until_async(lambda: engine.stats().in_use == 1)
        assert (await site.ask("/")).status == 503
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_an_endpoint_without_a_script_says_no_more_than_that(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", scriptRef={"name": "missing"})
    async with serving(engine, endpoint) as site:
        reply = await site.ask("/")
    problem = read_problem(reply)
    assert problem["status"] == 503
    assert "missing" not in json.dumps(problem)
    assert reply.headers["retry-after"]
    assert site.ended[-1].cause == 'Script "missing" does not exist in this namespace'


async def test_a_suspended_endpoint_is_not_there(engine: Engine) -> None:
    async with serving(engine, make_endpoint("root", "/", suspend=True)) as site:
        assert (await site.ask("/")).status == 404


async def test_where_scripts_are_switched_off_nothing_is_run(engine: Engine) -> None:
    options = SiteOptions(is_enabled=False)
    async with serving(engine, make_endpoint("root", "/"), options=options) as site:
        assert (await site.ask("/")).status == 503


async def test_headers_of_the_endpoint_are_in_every_answer_but_for_the_scripts_own(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", responseHeaders={"X-A": "endpoint", "X-B": "endpoint"})
    source = "if (request.query.fail) throw 1; return { status: 200, headers: { 'x-a': 'script' } }"
    async with serving(engine, endpoint, source=source) as site:
        reply, failed = await site.ask("/"), await site.ask("/?fail=1")
    assert (reply.headers["x-a"], reply.headers["x-b"]) == ("script", "endpoint")
    assert (failed.status, failed.headers["x-a"]) == (500, "endpoint")


async def test_pages_of_other_origins_call_as_cors_says(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", methods=["PUT"], cors={"origins": ["https://a.example"]})
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    async with serving(engine, endpoint) as site:
        preflight = await site.ask("/", "OPTIONS", headers=ask)
        reply = await site.ask("/", "PUT", headers={"Origin": "https://a.example"})
        other = await site.ask("/", "OPTIONS", headers=ask | {"Origin": "https://b.example"})
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (204, "PUT")
    assert reply.headers["access-control-allow-origin"] == "https://a.example"
    assert other.status == 403


async def test_keys_are_asked_for_and_say_who_calls(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", auth=[{"apiKey": {"secretRef": {"name": "keys"}}}])
    board = EndpointsBoard(secrets={"keys": {"ada": b"key-of-ada"}})
    async with serving(engine, endpoint, source="return ctx.user.id", board=board) as site:
        assert (await site.ask("/")).status == 401
        assert (await site.ask("/", headers={"X-API-Key": "wrong"})).status == 401
        assert (await site.ask("/", headers={"X-API-Key": "key-of-ada"})).text == "ada"


async def test_another_script_can_decide_who_calls(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", auth=[{"script": {"name": "door"}}])
    board = EndpointsBoard()
    board.put(
        "return input.headers['x-word'] === 'please' ? { user: { id: 'u' } } : { allowed: false }", "door"
    )
    async with serving(engine, endpoint, source="return ctx.user.id", board=board) as site:
        assert (await site.ask("/")).status == 403
        assert (await site.ask("/", headers={"X-Word": "please"})).text == "u"


async def test_one_request_too_many_is_told_when_to_come_again(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", rateLimit={"requests": 1, "perSeconds": 3600})
    async with serving(engine, endpoint) as site:
        assert (await site.ask("/")).status == 200
        reply = await site.ask("/")
    assert read_problem(reply)["status"] == 429
    assert 3500 < int(reply.headers["retry-after"]) <= 3600


@pytest.mark.parametrize(("by", "statuses"), [("ip", [401, 401, 429]), ("key", [401, 401, 200])])
async def test_guesses_of_a_key_count_by_address_and_not_by_key(
    engine: Engine, by: str, statuses: list[int]
) -> None:
    limit = {"requests": 2, "perSeconds": 3600, "by": by}
    endpoint = make_endpoint("root", "/", auth=[{"apiKey": {"secretRef": {"name": "keys"}}}], rateLimit=limit)
    board = EndpointsBoard(secrets={"keys": {"ada": b"right"}})
    async with serving(engine, endpoint, board=board) as site:
        found = [
            (await site.ask("/", headers={"X-API-Key": word})).status for word in ("wrong", "wrung", "right")
        ]
    assert found == statuses


async def test_an_endpoint_works_on_no_more_than_it_says(engine: Engine) -> None:
    source = "if (request.path === '/slow') for (;;) {} return 'quick'"
    endpoint = make_endpoint("slow", "/{what}", concurrency={"max": 1})
    async with serving(engine, endpoint, source=source) as site:
        slow = asyncio.create_task(site.ask("/slow"))
        await until_async(lambda: engine.stats().in_use == 1)
        reply = await site.ask("/quick")
        assert (reply.status, site.ended[-1].rejected) == (503, "concurrency")
        assert int(reply.headers["retry-after"]) >= 1
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_a_body_that_does_not_fit_is_refused_with_its_field(engine: Engine) -> None:
    schema = {"body": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
    endpoint = make_endpoint("root", "/", methods=["POST"], requestSchema=schema)
    async with serving(engine, endpoint) as site:
        misfit = await site.ask("/", "POST", json={"n": "x"})
        other = await site.ask("/", "POST", data=b"n", headers={"Content-Type": "text/plain"})
        good = await site.ask("/", "POST", json={"n": 1})
    assert (misfit.status, read_problem(misfit)["field"]) == (400, "/n")
    assert (other.status, good.status) == (415, 200)


async def test_a_trusted_proxy_says_who_called(engine: Engine) -> None:
    import ipaddress

    source = "return request.ip"
    headers = {"X-Forwarded-For": "6.6.6.6, 192.0.2.1"}
    options = SiteOptions(proxies=(ipaddress.ip_network("127.0.0.0/8"),))
    async with serving(engine, make_endpoint("root", "/"), source=source, options=options) as site:
        assert (await site.ask("/", headers=headers)).text == "192.0.2.1"
    async with serving(engine, make_endpoint("root", "/"), source=source) as site:
        assert (await site.ask("/", headers=headers)).text == "127.0.0.1"


async def test_what_a_script_asks_others_belongs_to_the_same_trace(engine: Engine) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    async with web.serve() as other:
        names = web.Names({"other.example": [("127.0.0.1",)]})
        async with HttpClient(HttpSettings(), judge=web.admit(other), look_up=names) as client:
            board, place = EndpointsBoard(), f"other.example:{other.port}"
            source = f"const a = await http.get('http://{place}/'); return a.body"
            board.put(source, permissions={"http": {"allow": [place]}})
            options = SiteOptions(way_out=Outside(client))
            async with serving(engine, make_endpoint("root", "/"), board=board, options=options) as site:
                assert (await site.ask("/", headers=headers)).text == "hello"
    sent = other.last.headers["traceparent"]
    assert sent == site.ended[-1].trace.parent
    assert sent.startswith(f"00-{trace}-")
    assert sent != headers["traceparent"]


async def test_a_caller_who_does_not_read_is_not_waited_for(engine: Engine) -> None:
    options = SiteOptions(patience=Patience(body=0.2))
    endpoint = make_endpoint("root", "/", maxResponseKB=10240)
    source = "return 'x'.repeat(10_000_000)"
    async with serving(engine, endpoint, source=source, options=options) as site:
        with socket.socket() as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            caller.connect(("127.0.0.1", site.port))
            caller.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await until_async(lambda: site.server.connections == 1)
            await until_async(lambda: site.server.connections == 0)


async def test_requests_follow_each_other_on_one_connection(engine: Engine) -> None:
    async with serving(engine, make_endpoint("hello", "/hello/{name}")) as site:
        text = "".join(f"GET /hello/{name} HTTP/1.1\r\nHost: a\r\n\r\n" for name in "abc")
        raw = await send_raw(
            site, text + "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", to_end=True
        )
    assert re.findall(rb"hello [abc]", raw) == [b"hello a", b"hello b", b"hello c"]
    assert raw.count(b"HTTP/1.1 ") == 4


async def test_a_runner_that_stops_finishes_what_it_answers(engine: Engine) -> None:
    source = "const end = Date.now() + 500; while (Date.now() < end); return 'done'"
    async with serving(engine, make_endpoint("root", "/"), source=source) as site:
        asked = asyncio.create_task(site.ask("/"))
        await until_async(lambda: engine.stats().in_use == 1)
        site.server.begin_drain()
        async with aiohttp.ClientSession() as other, other.get(site.url("/")) as late:
            assert (late.status, late.headers["Connection"]) == (200, "close")
        assert (await asked).text == "done"
        last = asyncio.create_task(site.ask("/"))
        await until_async(lambda: site.serving.in_flight == 1)
        await site.server.stop(20)
        assert (await last).text == "done"
        with pytest.raises(aiohttp.ClientConnectorError):
            await site.ask("/")


async def send_raw(site: Site, text: str, *, to_end: bool = False) -> bytes:
    """Send bytes, and give what comes back: the first answer, or all of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(text.encode("latin-1"))
    try:
        async with asyncio.timeout(20):
            if to_end:
                return await reader.read()
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            return head + await reader.readexactly(int(length[1]) if length else 0)
    finally:
        await close(writer)


async def close(writer: asyncio.StreamWriter) -> None:
    """Be gone."""
    writer.transport.abort()
    try:
        await writer.wait_closed()
    except ConnectionError:
        return


def read_raw(raw: bytes) -> Reply:
    """Give an answer as it came."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return Reply(int(first.split(" ")[1]), {name.lower(): value for name, value in pairs}, body)


async def test_no_way_to_write_a_host_leads_from_a_public_endpoint_to_an_inner_one(engine: Engine) -> None:
    public = make_endpoint("public", "/a", host="shop.example")
    inner = make_endpoint("inner", "/a", scriptRef={"name": "inner"})
    board = EndpointsBoard()
    board.put("return 'inner'", "inner")
    async with serving(engine, public, inner, board=board, source="return 'public'") as site:
        for host in ("shop.example", "SHOP.example.", "shop.example.:8443", "shop.example:80"):
            reply = await site.ask("/a", headers={"Host": host, "X-Forwarded-Host": "inner"})
            assert (host, reply.text) == (host, "public")
        assert (await site.ask("/a", headers={"Host": "inner"})).text == "inner"


async def test_nothing_is_read_after_a_wish_for_another_protocol(engine: Engine) -> None:
    message = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with serving(engine) as site:
        said = await send_raw(site, message + "GET / HTTP/1.1\r\nHost: a\r\n\r\n", to_end=True)
    assert said.count(b"HTTP/1.1 200") == 1
    assert b"Connection: close\r\n" in said


async def test_for_one_connection_too_many_the_oldest_ends_that_asks_nothing(engine: Engine) -> None:
    hello = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    async with serving(engine, options=SiteOptions(connections=3)) as site, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(connected(site)) for _ in range(3)]
        assert (await ask_on(silent[0], hello)).startswith(b"HTTP/1.1 200")
        late = [await stack.enter_async_context(connected(site)) for _ in range(2)]
        assert await asyncio.wait_for(silent[0][0].read(), 20) == b""
        assert await asyncio.wait_for(silent[1][0].read(), 20) == b""
        for each in (silent[2], *late):
            assert (await ask_on(each, hello)).startswith(b"HTTP/1.1 200")
        await until_async(lambda: site.server.connections == 3)


async def test_where_all_connections_are_being_answered_one_more_is_told_to_come_again(
    engine: Engine,
) -> None:
    options = SiteOptions(connections=2, slots=1)
    async with serving(engine, source=LOOP, options=options) as site, AsyncExitStack() as stack:
        for _ in range(2):
            _, writer = await stack.enter_async_context(connected(site))
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await until_async(lambda: site.serving.in_flight == 2)
        reader, _ = await stack.enter_async_context(connected(site))
        reply = read_raw(await asyncio.wait_for(reader.read(), 20))
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert "too many connections" in read_problem(reply)["detail"]


@asynccontextmanager
async def connected(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Have a connection, on which nothing is asked yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        yield reader, writer
    finally:
        await close(writer)


async def ask_on(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter], text: str) -> bytes:
    """Send bytes, and give the head that comes back, with the body behind it read."""
    reader, writer = connection
    writer.write(text.encode("latin-1"))
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head.lower())
        await reader.readexactly(int(length[1]) if length else 0)
    return head


async def test_a_body_is_wanted_of_those_alone_who_may_call(engine: Engine) -> None:
    endpoint = make_endpoint(
        "root", "/", methods=["POST"], auth=[{"apiKey": {"secretRef": {"name": "keys"}}}]
    )
    board = EndpointsBoard(secrets={"keys": {"ada": b"right"}})
    head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
    async with serving(engine, endpoint, board=board) as site:
        refused = await send_raw(site, f"{head}X-API-Key: wrong\r\n\r\n")
        invited = await send_raw(site, f"{head}X-API-Key: right\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 401 ")
    assert invited.startswith(b"HTTP/1.1 100 ")


async def test_one_request_too_many_is_told_so_before_its_body_is_sent(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", methods=["POST"], rateLimit={"requests": 1, "perSeconds": 3600})
    async with serving(engine, endpoint) as site:
        assert (await site.ask("/", "POST", data=b"hi")).status == 200
        message = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
        assert (await send_raw(site, message)).startswith(b"HTTP/1.1 429 ")


async def test_a_body_takes_the_room_that_came_of_it_and_not_what_it_announces(engine: Engine) -> None:
    endpoint = make_endpoint("root", "/", methods=["POST"], maxBodyKB=10240)
    framings = ("Content-Length: 10000000\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    async with serving(engine, endpoint) as site, AsyncExitStack() as stack:
        for framing in framings:
            _, writer = await stack.enter_async_context(connected(site))
            writer.write(f"POST / HTTP/1.1\r\nHost: a\r\n{framing}".encode())
        await until_async(lambda: engine.held.size == 6)
    await until_async(lambda: engine.held.size == 0)


async def test_a_body_for_which_there_is_no_room_is_refused_as_it_comes(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.held, "_most", 1000)
    async with serving(engine, make_endpoint("root", "/", methods=["POST"])) as site:
        reply = await site.ask("/", "POST", data=b"x" * 2000)
        assert (await site.ask("/", "POST", data=b"x" * 500)).status == 200
    assert (reply.status, site.ended[0].rejected) == (503, "memory")
    assert engine.held.size == 0


async def test_a_body_that_drips_makes_way_for_one_that_comes_at_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.held, "_most", 1000)
    async with (
        serving(engine, make_endpoint("root", "/", methods=["POST"])) as site,
        connected(site) as slow,
    ):
        slow[1].write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n" + b"x" * 800)
        await until_async(lambda: engine.held.size == 800)
        monkeypatch.setattr(Upload, "find_age", lambda _: GRACE_SECONDS)
        assert (await site.ask("/", "POST", data=b"x" * 500)).status == 200
        refused = read_raw(await asyncio.wait_for(slow[0].read(), 20))
    assert refused.status == 503
    assert read_problem(refused)["detail"] == "others needed the room: send this body faster"
    assert sorted(each.rejected for each in site.ended) == ["", "memory"]
    assert engine.held.size == 0


async def test_no_cache_between_keeps_what_was_for_one_caller_alone(engine: Engine) -> None:
    way = {"apiKey": {"secretRef": {"name": "keys"}}}
    endpoints = [
        make_endpoint("own", "/own", auth=[way, {"none": {}}]),
        make_endpoint("said", "/said", auth=[way], responseHeaders={"cache-control": "max-age=5"}),
    ]
    source = "return request.query.q ? {status: 200, headers: {'Cache-Control': 'no-store'}} : 'hello'"
    board, key = EndpointsBoard(secrets={"keys": {"ada": b"right"}}), {"X-API-Key": "right"}
    async with serving(engine, *endpoints, board=board, source=source) as site:
        own = await site.ask("/own", headers=key)
        others = await site.ask("/own")
        said = await site.ask("/said", headers=key)
        scripts = await site.ask("/own?q=1", headers=key)
    assert own.headers["cache-control"] == "private"
    assert "cache-control" not in others.headers
    assert (said.headers["cache-control"], scripts.headers["cache-control"]) == ("max-age=5", "no-store")


async def test_nothing_is_read_after_a_message_that_others_may_have_framed_otherwise(engine: Engine) -> None:
    bad = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    async with serving(engine) as site:
        said = await send_raw(site, bad + "GET / HTTP/1.1\r\nHost: a\r\n\r\n", to_end=True)
    assert said.count(b"HTTP/1.1 ") == said.count(b"HTTP/1.1 501 ") == 1
