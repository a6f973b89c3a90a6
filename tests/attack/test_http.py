"""A hostile script, its hostile name servers and its hostile web servers, against `http`.

Each attack ends in an error with the code that is expected, the victim is never reached, and the next request
of the same runner goes well.
"""

import asyncio
import contextlib
import gzip
import ipaddress
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from scriptorium_api.host_patterns import HostPattern
from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http import Grant, HttpHost, HttpSettings
from tests.support.hostile_urls import CONTROLS, HOSTILE_URLS
from tests.support.web import Caller, Site, admit, open_caller, say_hello, serve, serve_raw

EVIL = "evil.example.com"
GOOD = "good.example.com"
_SECONDS = 10


async def attack(caller: Caller, url: str, **options: Any) -> str:
    """Give the code of the error that an attack must end with, soon."""
    async with asyncio.timeout(_SECONDS):
        with pytest.raises(HostError) as caught:
            await caller.request(url, **options)
    assert caught.value.name == "HttpError"
    assert len(caught.value.message) < 1000
    return caught.value.code


@contextlib.asynccontextmanager
async def stage(*sites: Site, names: dict[str, list[tuple[str, ...]]] | None = None) -> AsyncIterator[Caller]:
    """Give an `http` for attacks; in the end it must still serve."""
    async with serve() as good:
        allowed = [f"{GOOD}:{good.port}", f"*.example.com:{good.port}", EVIL, "*.evil.example.com"]
        allowed += [f"{EVIL}:{site.port}" for site in sites]
        async with open_caller(allowed, good, *sites, names=names) as caller:
            yield caller
            assert (await caller.request(f"http://{GOOD}:{good.port}/"))["body"] == "hello"


SPECIAL = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "169.254.170.2", "100.100.100.200"),  # noqa: S104
    *(
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.251",
        "255.255.255.255",
        "10.96.0.1",
        "192.168.0.1",
        "172.16.0.1",
    ),
    *(
        "172.16.0.1",
        "100.64.0.1",
        "::1",
        "::",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fc00::1",
    ),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", SPECIAL)
async def test_a_name_that_leads_to_a_special_address_is_refused(address: str) -> None:
    async with stage(names={EVIL: [(address,)], f"a.{EVIL}": [("8.8.8.8", address)]}) as caller:
        for host in (EVIL, f"a.{EVIL}"):
            for scheme in ("http", "https"):
                assert await attack(caller, f"{scheme}://{host}/") == "ADDRESS_NOT_ALLOWED"
        assert all(ending.is_denied for ending in caller.endings)


@pytest.mark.parametrize("address", SPECIAL)
async def test_no_manifest_opens_a_special_address(address: str) -> None:
    found = ipaddress.ip_address(address)
    async with stage() as caller:
        # Patterns like these do not pass the model; the platform does not rely on it.
        grant = Grant(allow=(HostPattern(str(found)), HostPattern(str(found), 6443)), seconds_left=lambda: 10)
        caller.host, good = HttpHost(caller.client, grant), caller.host
        written = f"[{found}]" if found.version == 6 else str(found)
        assert await attack(caller, f"http://{written}/latest/meta-data") == "ADDRESS_NOT_ALLOWED"
        assert await attack(caller, f"https://{written}:6443/api") == "ADDRESS_NOT_ALLOWED"
        caller.host = good


async def test_the_platform_s_addresses_are_refused_though_it_opened_their_range() -> None:
    settings = HttpSettings(
        private_networks=(ipaddress.ip_network("10.0.0.0/8"),),
        denied_networks=(ipaddress.ip_network("10.0.0.7/32"), ipaddress.ip_network("8.8.8.8/32")),
    )
    names = {EVIL: [("10.0.0.7",), ("8.8.8.8",), ("::ffff:10.0.0.7",), ("64:ff9b::808:808",)]}
    async with open_caller([EVIL], names=names, settings=settings) as caller:
        for _ in range(4):
            assert await attack(caller, f"https://{EVIL}/") == "ADDRESS_NOT_ALLOWED"


async def test_what_is_open_on_loopback_is_not_open_to_scripts() -> None:
    async with serve() as victim, stage() as caller:
        patterns = (HostPattern("127.0.0.1", victim.port), HostPattern(EVIL, victim.port))
        grant = Grant(allow=patterns, seconds_left=lambda: 10)
        caller.names.answers[EVIL] = [("127.0.0.1",)]
        caller.host, good = HttpHost(caller.client, grant), caller.host
        for host in ("127.0.0.1", EVIL, EVIL.upper(), f"{EVIL}."):
            assert await attack(caller, f"http://{host}:{victim.port}/") == "ADDRESS_NOT_ALLOWED"
        caller.host = good
    assert victim.seen == []


@pytest.mark.parametrize("url", HOSTILE_URLS)
async def test_a_url_that_is_read_in_two_ways_is_not_asked_for(url: str) -> None:
    async with stage() as caller:
        assert await attack(caller, url) == "INVALID_URL"
        assert caller.names.asked == []


async def test_a_name_server_that_changes_its_mind_is_asked_once() -> None:
    async with serve() as site:
        names = {EVIL: [("127.0.0.1",), ("169.254.169.254",)]}
        async with open_caller([f"{EVIL}:{site.port}"], site, names=names) as caller:
            assert (await caller.request(f"http://{EVIL}:{site.port}/"))["status"] == 200
            assert caller.names.asked == [EVIL]
            # The connection of the first request is still open, and is not used.
            assert await attack(caller, f"http://{EVIL}:{site.port}/") == "ADDRESS_NOT_ALLOWED"
        assert len(site.seen) == 1


async def test_a_name_server_that_changes_its_mind_during_a_redirect_is_seen_through() -> None:
    async def lead(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/again"})

    async with serve(lead) as site:
        names = {EVIL: [("127.0.0.1",), ("10.96.0.1",)]}
        async with open_caller([f"{EVIL}:{site.port}"], site, names=names) as caller:
            assert await attack(caller, f"http://{EVIL}:{site.port}/") == "ADDRESS_NOT_ALLOWED"
        assert [seen.target for seen in site.seen] == ["/"]


FORBIDDEN_PLACES = [
    ("http://127.0.0.1:{port}/", "HOST_NOT_ALLOWED"),
    ("//127.0.0.1:{port}/", "HOST_NOT_ALLOWED"),
    ("http://localhost:{port}/", "REDIRECT_REFUSED"),
    ("http://[::1]:{port}/", "HOST_NOT_ALLOWED"),
    ("http://[::ffff:127.0.0.1]:{port}/", "HOST_NOT_ALLOWED"),
    ("http://169.254.169.254/latest/meta-data/", "HOST_NOT_ALLOWED"),
    ("http://2130706433:{port}/", "REDIRECT_REFUSED"),
    ("http://0x7f.1:{port}/", "REDIRECT_REFUSED"),
    ("http://017700000001:{port}/", "REDIRECT_REFUSED"),
    ("http://127.1:{port}/", "REDIRECT_REFUSED"),
    ("http://evil.example.com:{port}@127.0.0.1:{port}/", "REDIRECT_REFUSED"),
    ("http://127.0.0.1:{port}\\@evil.example.com/", "REDIRECT_REFUSED"),
    ("\\\\127.0.0.1:{port}\\", "REDIRECT_REFUSED"),
    ("http://inside.evil.example.com/", "ADDRESS_NOT_ALLOWED"),
    ("https://inside.evil.example.com/", "ADDRESS_NOT_ALLOWED"),
    ("http://evil.example.com:{port}/", "HOST_NOT_ALLOWED"),
    ("http://kubernetes.default.svc/api", "HOST_NOT_ALLOWED"),
    ("file:///etc/passwd", "REDIRECT_REFUSED"),
    ("gopher://127.0.0.1:{port}/_x", "REDIRECT_REFUSED"),
    ("ftp://127.0.0.1/", "REDIRECT_REFUSED"),
    ("data:text/plain,x", "REDIRECT_REFUSED"),
    ("javascript:alert(1)", "REDIRECT_REFUSED"),
    ("http://", "REDIRECT_REFUSED"),
    ("http:", "REDIRECT_REFUSED"),
    ("http:///127.0.0.1:{port}/", "REDIRECT_REFUSED"),
    ("///127.0.0.1:{port}/", "REDIRECT_REFUSED"),
    ("http://[::1", "REDIRECT_REFUSED"),
    ("/" + "a" * 8300, "INVALID_RESPONSE"),
]


@pytest.mark.parametrize(("place", "code"), FORBIDDEN_PLACES)
@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_leads_nowhere_that_no_request_may_go(place: str, code: str, status: int) -> None:
    async with serve() as victim:
        location = place.format(port=victim.port)
        head = f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        names = {f"inside.{EVIL}": [("10.0.0.1",)]}
        async with serve_raw(head) as evil, stage(evil, names=names) as caller:
            assert await attack(caller, f"http://{EVIL}:{evil.port}/", method="POST", body="x") == code
            assert len(evil.seen) == 1
    assert victim.seen == []


INJECTIONS = [
    "\r\nX-Evil: 1",
    "\nX-Evil: 1",
    "\rX-Evil: 1",
    "\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n",
    "\0",
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_no_line_of_a_script_s_own_gets_onto_the_wire(text: str) -> None:
    async with serve() as victim, stage(victim) as caller:
        url = f"http://{EVIL}:{victim.port}/"
        assert await attack(caller, url, headers={"X-A": f"a{text}"}) == "INVALID_REQUEST"
        assert await attack(caller, url, headers={f"X-A{text}": "a"}) == "INVALID_REQUEST"
        assert await attack(caller, url, headers={f"X-A: b{text}": "a"}) == "INVALID_REQUEST"
        assert await attack(caller, url, method=f"GET{text}") == "INVALID_REQUEST"
        assert await attack(caller, f"{url}{text}") == "INVALID_URL"
        assert await attack(caller, f"{url}?{text}") == "INVALID_URL"
        await caller.request(url, query={f"a{text}": f"b{text}"})
        await caller.request(f"{url}%0d%0aX-Evil:%201", method="POST", body=f"a{text}")
        # Characters whose lower byte is a line break, for writers that cut characters down to bytes.
        assert await attack(caller, url, headers={"X-A": "a\u010d\u010aX-Evil: 1"}) == "INVALID_REQUEST"
        await caller.request(f"{url}\u010d\u010aX-Evil:1")
    assert len(victim.seen) == 3
    assert not any("x-evil" in seen.headers for seen in victim.seen)


@pytest.mark.parametrize(
    "name",
    ["Host", "hOsT", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Proxy-Authorization"],
)
async def test_no_header_that_frames_a_message_is_the_script_s(name: str) -> None:
    async with serve() as victim, stage(victim) as caller:
        url = f"http://{EVIL}:{victim.port}/"
        assert await attack(caller, url, method="POST", body="x", headers={name: "0"}) == "HEADER_NOT_ALLOWED"
    assert victim.seen == []


async def test_no_option_of_the_machinery_can_be_set() -> None:
    async with stage() as caller:
        for option in ("proxy", "ssl", "verify", "server_hostname", "allow_redirects", "allow", "__proto__"):
            assert await attack(caller, f"http://{EVIL}/", **{option: "x"}) == "INVALID_REQUEST"


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"ffff\r\n" + b"a" * 65535 + b"\r\n"
BOMB = gzip.compress(bytes(100_000_000))
LONG = b"a" * 100_000
COOKIE = b"Set-Cookie: " + b"a" * 8000 + b"\r\n"
HEADERS = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 8000) for number in range(20))

INVALID = {
    "no HTTP": b"SSH-2.0-OpenSSH_9\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of words": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a long header": HEAD + b"X: " + LONG + b"\r\n\r\n",
    "a long name": HEAD + LONG + b": x\r\n\r\n",
    "a long reason": b"HTTP/1.1 200 " + LONG + b"\r\n\r\n",
    "many headers": HEAD + b"X-A: b\r\n" * 100_000 + b"\r\n",
    "a header with NUL": HEAD + b"Content-Length: 1\r\nX\0: y\r\n\r\nx",
    "a length below zero": HEAD + b"Content-Length: -1\r\n\r\nx",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a length that nobody can count": HEAD + b"Content-Length: " + b"9" * 400 + b"\r\n\r\nx",
    "a length that is not kept": HEAD + b"Content-Length: 10\r\n\r\nx",
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk below zero": CHUNKED + b"-1\r\nx\r\n0\r\n\r\n",
    "a chunk of no size": CHUNKED + b"zz\r\nx\r\n0\r\n\r\n",
    "a chunk that is not kept": CHUNKED + b"ff\r\nx",
    "no gzip": HEAD + b"Content-Encoding: gzip\r\n\r\nplain text",
    "what was not asked for": HEAD + b"Content-Encoding: br\r\n\r\nx",
    "packed twice": HEAD + b"Content-Encoding: gzip, gzip\r\n\r\nx",
}

TOO_LARGE = {
    "headers of many bytes": HEAD + HEADERS + b"\r\n",
    "cookies of many bytes": HEAD + COOKIE * 20 + b"\r\n",
    "a length that says too much": HEAD + b"Content-Length: 99999999999\r\n\r\nx",
    "a body without end": HEAD + b"\r\n" + b"a" * 3_000_000,
    "chunks without end": CHUNKED + CHUNK * 40,
    "a bomb": HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB,
}

BAD_ANSWERS = {
    "nothing": (b"", "CONNECTION_FAILED"),
    **{name: (data, "INVALID_RESPONSE") for name, data in INVALID.items()},
    **{name: (data, "RESPONSE_TOO_LARGE") for name, data in TOO_LARGE.items()},
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_a_bad_answer_is_an_error_and_no_more(name: str) -> None:
    data, code = BAD_ANSWERS[name]
    async with serve_raw(data) as evil, stage(evil) as caller:
        assert await attack(caller, f"http://{EVIL}:{evil.port}/") == code


async def test_an_endless_body_is_not_read_to_its_end() -> None:
    sent = 0

    async def pour(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(65536))
            sent += 65536

    async with serve(pour) as evil, stage(evil) as caller:
        assert await attack(caller, f"http://{EVIL}:{evil.port}/") == "RESPONSE_TOO_LARGE"
    # What was allowed, and what sockets and buffers hold.
    assert sent < 32 * 1024 * 1024


async def test_an_answer_in_single_bytes_ends_with_the_request_s_time() -> None:
    async def trickle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"a")
            await asyncio.sleep(0.01)

    async with serve(trickle) as evil, stage(evil) as caller:
        assert await attack(caller, f"http://{EVIL}:{evil.port}/", timeoutMs=200) == "TIMEOUT"


async def test_a_stream_of_interim_answers_ends_with_the_request_s_time() -> None:
    async def go_on(reader: asyncio.StreamReader) -> None:
        await reader.read()

    async with serve_raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, then=go_on) as evil, stage(evil) as caller:
        assert await attack(caller, f"http://{EVIL}:{evil.port}/", timeoutMs=200) == "TIMEOUT"


async def test_redirects_do_not_multiply_the_time() -> None:
    async def lead(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return web.Response(status=302, headers={"Location": "/"})

    async with serve(lead) as evil, stage(evil) as caller:
        assert await attack(caller, f"http://{EVIL}:{evil.port}/", timeoutMs=250) == "TIMEOUT"
        assert len(evil.seen) <= 3


async def test_an_answer_that_nobody_asked_for_is_not_given_to_the_next_request() -> None:
    twice = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    )

    async def stay(reader: asyncio.StreamReader) -> None:
        await reader.read()

    async with serve_raw(twice, then=stay) as evil, stage(evil) as caller:
        for _ in range(3):
            response = await caller.request(f"http://{EVIL}:{evil.port}/")
            assert response["body"] == "first"


async def test_cookies_of_one_run_are_not_sent_by_the_next() -> None:
    async def set_cookie(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(headers={"Set-Cookie": "session=stolen; Path=/"})

    async with serve(set_cookie) as site, stage(site) as caller:
        await caller.request(f"http://{EVIL}:{site.port}/")
        grant = Grant(allow=(HostPattern(EVIL, site.port),), seconds_left=lambda: 10)
        await HttpHost(caller.client, grant).call("http.get", [f"http://{EVIL}:{site.port}/"])
    assert "cookie" not in site.last.headers


@pytest.mark.parametrize("sign", CONTROLS)
async def test_a_control_character_in_a_host_is_no_way_around_the_list(sign: str) -> None:
    async with stage() as caller:
        assert await attack(caller, f"http://{EVIL}{sign}.other.org/") == "INVALID_URL"
        assert await attack(caller, f"http://other.org{sign}.{EVIL}/") == "INVALID_URL"


async def test_a_hundred_attacks_at_once_leave_the_runner_well() -> None:
    data = HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(10_000_000))
    async with serve_raw(data) as evil, serve(say_hello) as other, stage(evil, other) as caller:
        attacks = [attack(caller, f"http://{EVIL}:{evil.port}/") for _ in range(100)]
        assert set(await asyncio.gather(*attacks)) == {"RESPONSE_TOO_LARGE"}
        assert (await caller.request(f"http://{EVIL}:{other.port}/"))["status"] == 200


def test_loopback_is_open_in_tests_at_the_ports_of_their_own_servers_alone() -> None:
    judge = admit(Site(port=8081))
    assert judge(ipaddress.ip_address("127.0.0.1"), 8081) == "public"
    assert judge(ipaddress.ip_address("127.0.0.1"), 8080) == "refused"
    assert judge(ipaddress.ip_address("10.0.0.1"), 8081) == "private"


async def test_arguments_are_not_held_while_a_server_takes_its_time() -> None:
    asked, over = asyncio.Event(), asyncio.Event()

    async def hesitate(_request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await over.wait()
        return web.Response()

    async with serve(hesitate) as site, open_caller([f"site.example.com:{site.port}"], site) as caller:
        # 1 MB of JSON, and more than 20 MB of objects.
        arguments: list[Any] = [f"http://site.example.com:{site.port}/", [[] for _ in range(349_000)]]
        calling = asyncio.create_task(caller.host.call("http.post", arguments))
        await asked.wait()
        assert arguments == []
        over.set()
        assert (await calling)["status"] == 200
        assert len(site.last.body) > 1_000_000
