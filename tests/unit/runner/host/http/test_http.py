"""`http` against real servers on loopback."""

import asyncio
import base64
import gzip
import ipaddress
from typing import Any

import pytest
from aiohttp import web

from scriptorium_api.host_patterns import HostPattern
from scriptorium_runner.engine import Held, HostError
from scriptorium_runner.host.http import Grant, HttpClient, HttpHost, HttpSettings
from scriptorium_runner.host.http.addresses import Verdict
from scriptorium_runner.host.http.circuits import FAILURES, PAUSE_SECONDS
from tests.support.ports import free_port
from tests.support.waiting import until_async
from tests.support.web import Answer, Caller, Names, Site, admit, open_caller, serve, serve_raw

HOST = "site.example.com"


def allow(*sites: Site, host: str = HOST) -> list[str]:
    return [f"{host}:{site.port}" for site in sites]


def answer_with(**options: Any) -> Answer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(**options)

    return answer


async def refused(caller: Caller, url: str, **options: Any) -> HostError:
    with pytest.raises(HostError) as caught:
        await caller.request(url, **options)
    assert caught.value.name == "HttpError"
    assert caller.endings[-1].outcome == caught.value.code
    return caught.value


async def test_a_script_gets_what_the_server_says() -> None:
    async with serve() as site, open_caller(allow(site), site) as caller:
        response = await caller.request(f"http://{HOST}:{site.port}/greet", query={"name": "Ada"})
    assert response["status"] == 200
    assert response["body"] == "hello"
    assert response["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert response["url"] == f"http://{HOST}:{site.port}/greet?name=Ada"
    assert (response["redirected"], response["setCookie"]) == (False, [])
    assert (caller.endings[0].outcome, caller.endings[0].host) == ("ANSWERED", HOST)


async def test_the_server_gets_what_the_script_says() -> None:
    async with (
        serve() as site,
        open_caller(allow(site), site, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01") as caller,
    ):
        await caller.request(
            f"http://{HOST}:{site.port}/orders?x=1",
            method="POST",
            body={"total": 7},
            headers={"X-Mine": "yes", "Authorization": "Bearer t"},
        )
    assert (site.last.method, site.last.target, site.last.body) == ("POST", "/orders?x=1", b'{"total":7}')
    assert site.last.headers == {
        "host": f"{HOST}:{site.port}",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "user-agent": "scriptorium",
        "content-type": "application/json",
        "content-length": "11",
        "x-mine": "yes",
        "authorization": "Bearer t",
        "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    }


async def test_a_trace_that_is_none_is_not_passed_on() -> None:
    async with serve() as site, open_caller(allow(site), site, traceparent="x\r\nHost: evil") as caller:
        await caller.request(f"http://{HOST}:{site.port}/")
    assert "traceparent" not in site.last.headers


@pytest.mark.parametrize("status", [204, 304, 400, 404, 429, 500, 503, 599])
async def test_every_status_is_an_answer(status: int) -> None:
    async with serve(answer_with(status=status)) as site, open_caller(allow(site), site) as caller:
        assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == status


async def test_head_has_headers_and_no_body_however_long_it_would_be() -> None:
    pieces = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nContent-Encoding: br\r\n\r\n"
    async with serve_raw(pieces) as site, open_caller(allow(site), site) as caller:
        response = await caller.request(f"http://{HOST}:{site.port}/", method="HEAD")
    assert (response["body"], response["headers"]["content-length"]) == ("", "99999999999")


async def test_bytes_come_as_bytes() -> None:
    async with serve(answer_with(body=b"\0\xff")) as site, open_caller(allow(site), site) as caller:
        response = await caller.request(f"http://{HOST}:{site.port}/", responseType="bytes")
    assert base64.b64decode(response["bodyBase64"]) == b"\0\xff"
    assert "body" not in response


async def test_a_packed_body_is_unpacked() -> None:
    packed = answer_with(body=gzip.compress(b"unpacked"), headers={"Content-Encoding": "gzip"})
    async with serve(packed) as site, open_caller(allow(site), site) as caller:
        assert (await caller.request(f"http://{HOST}:{site.port}/"))["body"] == "unpacked"


async def test_large_bodies_go_both_ways() -> None:
    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=await request.read())

    body = "x" * 1024 * 1024
    async with serve(echo) as site, open_caller(allow(site), site) as caller:
        response = await caller.request(f"http://{HOST}:{site.port}/", method="PUT", body=body)
    assert response["body"] == body


async def test_connections_are_used_again_and_cookies_are_not() -> None:
    cookies = answer_with(headers={"Set-Cookie": "session=1"})
    async with serve(cookies) as site, open_caller(allow(site), site) as caller:
        first = await caller.request(f"http://{HOST}:{site.port}/")
        await caller.request(f"http://{HOST}:{site.port}/")
    assert first["setCookie"] == ["session=1"]
    assert len({seen.peer for seen in site.seen}) == 1
    assert "cookie" not in site.last.headers


async def test_two_names_at_one_address_do_not_share_a_connection() -> None:
    async with serve() as site:
        allowed = allow(site) + allow(site, host="other.example.com")
        async with open_caller(allowed, site) as caller:
            await caller.request(f"http://{HOST}:{site.port}/")
            await caller.request(f"http://other.example.com:{site.port}/")
    assert len({seen.peer for seen in site.seen}) == 2


async def test_a_name_is_looked_up_once_a_request_and_a_url_in_capitals_is_the_same_name() -> None:
    async with serve() as site, open_caller(allow(site), site) as caller:
        await caller.request(f"HTTP://SITE.Example.COM.:{site.port}/")
    assert caller.names.asked == [HOST]
    assert site.last.headers["host"] == f"{HOST}:{site.port}"


async def test_an_address_that_does_not_answer_is_followed_by_the_next() -> None:
    async with serve() as site:
        names = {HOST: [("127.0.0.2", "127.0.0.1")]}
        async with open_caller(allow(site), site, names=names) as caller:
            assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == 200


async def test_ipv6_works_by_name_and_by_address() -> None:
    async with serve(host="::1") as site:
        names = {HOST: [("::1",)]}
        async with open_caller(allow(site), site, names=names) as caller:
            assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == 200
        assert site.last.headers["host"] == f"{HOST}:{site.port}"
        pattern = HostPattern("::1", site.port)  # No manifest can say so.
        grant = Grant(allow=(pattern,), seconds_left=lambda: 10)
        async with HttpClient(HttpSettings(), judge=admit(site)) as client:
            await HttpHost(client, grant).call("http.request", [{"url": f"http://[::1]:{site.port}/"}])
        assert site.last.headers["host"] == f"[::1]:{site.port}"


async def test_bodies_under_way_are_counted_until_they_are_answered_and_too_many_are_refused() -> None:
    asked, going = asyncio.Event(), asyncio.Event()

    async def answer_late(request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await going.wait()
        return web.Response(text="late")

    held = Held(most_bytes=1500)
    async with serve(answer_late) as site:
        share = held.open()
        grant = Grant(allow=(HostPattern(HOST, site.port),), seconds_left=lambda: 10, share=share)
        names = Names({HOST: [("127.0.0.1",)]})
        async with HttpClient(HttpSettings(), judge=admit(site), look_up=names) as client:
            host, url = HttpHost(client, grant), f"http://{HOST}:{site.port}/"
            first = asyncio.create_task(host.call("http.post", [url, "x" * 1000]))
            await asked.wait()
            assert held.size == 1000
            with pytest.raises(HostError) as caught:
                await host.call("http.post", [url, "x" * 1000])
            assert (caught.value.code, caught.value.name) == ("TOO_MUCH_UNDER_WAY", "HttpError")
            second = asyncio.create_task(host.call("http.post", [url, "x" * 500]))
            await until_async(lambda: held.size == 1500)
            second.cancel()
            await until_async(lambda: held.size == 1000)
            going.set()
            assert (await first)["body"] == "late"
    assert (held.size, share.size) == (0, 0)


async def test_a_private_host_is_reached_where_platform_and_script_both_name_it() -> None:
    networks = (ipaddress.ip_network("127.0.0.0/8"),)  # What this server's address stands for here.
    async with serve() as site:
        judge = admit(site, verdict=Verdict.PRIVATE)
        url = f"http://{HOST}:{site.port}/"
        both = HttpSettings(private_networks=networks)
        async with open_caller(allow(site), site, judge=judge, settings=both) as caller:
            assert (await caller.request(url))["status"] == 200
        async with open_caller(
            [f"*.example.com:{site.port}"], site, judge=judge, settings=both, names={HOST: [("127.0.0.1",)]}
        ) as caller:
            assert (await refused(caller, url)).code == "ADDRESS_NOT_ALLOWED"
        async with open_caller(allow(site), site, judge=judge) as caller:
            assert (await refused(caller, url)).code == "ADDRESS_NOT_ALLOWED"


async def test_the_whole_host_counts_where_a_pattern_names_it_too() -> None:
    networks = (ipaddress.ip_network("127.0.0.0/8"),)
    async with serve() as site:
        allowed = [f"*.example.com:{site.port}", *allow(site)]
        settings = HttpSettings(private_networks=networks)
        judge = admit(site, verdict=Verdict.PRIVATE)
        async with open_caller(allowed, site, judge=judge, settings=settings) as caller:
            assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == 200


async def test_a_host_that_is_not_named_is_told_and_never_looked_up() -> None:
    async with open_caller(["site.example.com"]) as caller:
        error = await refused(caller, "https://evil.example.org/")
    assert error.code == "HOST_NOT_ALLOWED"
    assert error.message == "evil.example.org:443 is not in permissions.http.allow of this Script"
    assert caller.names.asked == []
    assert caller.endings[0].is_denied
    assert caller.endings[0].host == "evil.example.org"


async def test_a_script_without_hosts_reaches_none() -> None:
    async with open_caller([]) as caller:
        assert (await refused(caller, "https://site.example.com/")).code == "HOST_NOT_ALLOWED"


async def test_a_name_without_addresses_is_told() -> None:
    async with open_caller([HOST], names={HOST: [()]}) as caller:
        assert (await refused(caller, f"https://{HOST}/")).code == "HOST_NOT_FOUND"


async def test_an_unknown_call_is_refused() -> None:
    async with open_caller([HOST]) as caller:
        with pytest.raises(HostError) as caught:
            await caller.host.call("http.listen", [])
    assert caught.value.code == "INVALID_REQUEST"


async def test_a_port_that_nobody_listens_on_is_told() -> None:
    site = Site(port=free_port())
    async with open_caller(allow(site), site) as caller:
        assert (await refused(caller, f"http://{HOST}:{site.port}/")).code == "CONNECTION_FAILED"


async def wait_for_ever(reader: asyncio.StreamReader) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
    ],
)
async def test_a_server_that_falls_silent_is_not_waited_for_beyond_the_time(
    pieces: tuple[bytes, ...],
) -> None:
    async with serve_raw(*pieces, then=wait_for_ever) as site, open_caller(allow(site), site) as caller:
        error = await refused(caller, f"http://{HOST}:{site.port}/", timeoutMs=100)
    assert error.code == "TIMEOUT"
    assert caller.endings[0].seconds < 2


async def test_the_run_s_remaining_time_is_the_longest() -> None:
    async with serve_raw(then=wait_for_ever) as site, open_caller(allow(site), site, seconds=0.1) as caller:
        error = await refused(caller, f"http://{HOST}:{site.port}/", timeoutMs=60_000)
    assert error.code == "TIMEOUT"
    assert caller.endings[0].seconds < 2


async def test_a_tls_handshake_that_never_comes_ends_with_the_connection_s_time() -> None:
    settings = HttpSettings(connect_seconds=0.2)
    async with serve_raw() as site, open_caller(allow(site), site, settings=settings) as caller:
        assert (await refused(caller, f"https://{HOST}:{site.port}/")).code == "CONNECTION_FAILED"


async def test_a_name_server_that_never_answers_ends_with_the_connection_s_time() -> None:
    settings = HttpSettings(connect_seconds=0.1)
    async with open_caller([HOST], settings=settings) as caller:
        caller.client._look_up = lambda _: asyncio.Event().wait()  # type: ignore[assignment,return-value]
        assert (await refused(caller, f"https://{HOST}/")).code == "HOST_NOT_FOUND"


async def test_a_cancelled_call_closes_its_connection() -> None:
    gone = asyncio.Event()

    async def listen(reader: asyncio.StreamReader) -> None:
        await reader.read()
        gone.set()

    async with serve_raw(then=listen) as site, open_caller(allow(site), site) as caller:
        task = asyncio.create_task(caller.request(f"http://{HOST}:{site.port}/"))
        await until_async(lambda: site.seen)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_async(gone.is_set)
    assert caller.endings[0].outcome == "CANCELLED"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_host_that_does_not_answer_is_left_alone_until_it_does() -> None:
    clock = Clock()
    site = Site(port=free_port())
    url = f"http://{HOST}:{site.port}/"
    async with open_caller(allow(site), site, clock=clock) as caller:
        for _ in range(FAILURES):
            assert (await refused(caller, url)).code == "CONNECTION_FAILED"
        assert (await refused(caller, url)).code == "CIRCUIT_OPEN"
        clock.now = PAUSE_SECONDS
        assert (await refused(caller, url)).code == "CONNECTION_FAILED"
        assert (await refused(caller, url)).code == "CIRCUIT_OPEN"


async def test_a_host_that_is_back_is_asked_again() -> None:
    clock = Clock()
    async with serve() as site:
        names = {HOST: [()] * FAILURES + [("127.0.0.1",)]}
        url = f"http://{HOST}:{site.port}/"
        async with open_caller(allow(site), site, names=names, clock=clock) as caller:
            for _ in range(FAILURES):
                assert (await refused(caller, url)).code == "HOST_NOT_FOUND"
            assert (await refused(caller, url)).code == "CIRCUIT_OPEN"
            clock.now = PAUSE_SECONDS
            for _ in range(2):
                assert (await caller.request(url))["status"] == 200


async def test_impatience_and_bad_answers_do_not_open_the_circuit() -> None:
    async with (
        serve_raw(then=wait_for_ever) as slow,
        serve_raw(b"nonsense") as odd,
        open_caller(allow(slow, odd), slow, odd) as caller,
    ):
        for _ in range(FAILURES + 1):
            assert (await refused(caller, f"http://{HOST}:{slow.port}/", timeoutMs=20)).code == "TIMEOUT"
            assert (await refused(caller, f"http://{HOST}:{odd.port}/")).code == "INVALID_RESPONSE"


async def test_a_server_that_is_slow_by_the_platform_s_measure_opens_the_circuit() -> None:
    settings = HttpSettings(connect_seconds=0.05)
    async with (
        serve_raw(then=wait_for_ever) as site,
        open_caller(allow(site), site, settings=settings) as caller,
    ):
        url = f"http://{HOST}:{site.port}/"
        for _ in range(FAILURES):
            # On a busy machine even the connection may take as long.
            assert (await refused(caller, url, timeoutMs=100)).code in ("TIMEOUT", "CONNECTION_FAILED")
        assert (await refused(caller, url, timeoutMs=100)).code == "CIRCUIT_OPEN"


async def test_redirects_are_followed() -> None:
    async def lead(request: web.BaseRequest) -> web.StreamResponse:
        step = int(request.path[1:])
        if step == 5:
            return web.Response(text="there")
        return web.Response(status=302, headers={"Location": f"/{step + 1}"}, body=b"x" * 4_000_000)

    async with serve(lead) as site, open_caller(allow(site), site) as caller:
        response = await caller.request(f"http://{HOST}:{site.port}/0")
    assert (response["body"], response["redirected"]) == ("there", True)
    assert response["url"] == f"http://{HOST}:{site.port}/5"


def redirect_to(location: str, status: int = 302) -> Answer:
    return answer_with(status=status, headers={"Location": location}, text="elsewhere")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_followed_for_the_statuses_that_mean_one(status: int) -> None:
    async with (
        serve(answer_with(text="there")) as there,
        serve(redirect_to(f"http://{HOST}:{there.port}/", status)) as site,
        open_caller(allow(site, there), site, there) as caller,
    ):
        response = await caller.request(f"http://{HOST}:{site.port}/")
    assert response["redirected"] is (status not in (300, 304))
    assert response["status"] == (200 if response["redirected"] else status)


async def test_endless_redirects_end() -> None:
    async with serve(redirect_to("/")) as site, open_caller(allow(site), site) as caller:
        assert (await refused(caller, f"http://{HOST}:{site.port}/")).code == "TOO_MANY_REDIRECTS"
    assert len(site.seen) == 6


async def test_a_redirect_can_be_had_as_it_is_or_as_an_error() -> None:
    async with (
        serve(redirect_to("https://anywhere.example.org/")) as site,
        open_caller(allow(site), site) as caller,
    ):
        url = f"http://{HOST}:{site.port}/"
        response = await caller.request(url, redirect="manual")
        assert (response["status"], response["body"]) == (302, "elsewhere")
        assert response["headers"]["location"] == "https://anywhere.example.org/"
        assert (await refused(caller, url, redirect="error")).code == "REDIRECT_REFUSED"


async def test_a_redirect_status_without_a_place_is_an_answer() -> None:
    async with serve(answer_with(status=302)) as site, open_caller(allow(site), site) as caller:
        assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == 302


async def test_credentials_are_not_sent_to_another_origin() -> None:
    async with (
        serve() as second,
        serve(redirect_to(f"http://{HOST}:{second.port}/", 307)) as first,
        open_caller(allow(first, second), first, second) as caller,
    ):
        await caller.request(
            f"http://{HOST}:{first.port}/",
            method="POST",
            body="order",
            headers={"Authorization": "Bearer t", "Cookie": "a=b", "X-Mine": "1"},
        )
    assert (second.last.method, second.last.body) == ("POST", b"order")
    assert first.last.headers["authorization"] == "Bearer t"
    assert not {"authorization", "cookie"} & second.last.headers.keys()
    assert second.last.headers["x-mine"] == "1"
