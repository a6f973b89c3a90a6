"""Requests through the platform's proxy."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http import HttpSettings
from scriptorium_runner.host.http.addresses import Verdict
from tests.support.certificates import Authority
from tests.support.web import LOOPBACK, Names, admit, open_caller, serve

HOST = "site.example.com"
#: A public address that the test's proxy takes for its own server's.
PUBLIC = "192.0.2.99"


@dataclass
class Proxy:
    """A proxy that leads every tunnel to one port, and remembers what it was asked."""

    port: int = 0
    heads: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def open_proxy(target: int, refusal: bytes = b"") -> AsyncIterator[Proxy]:
    proxy = Proxy()
    working: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        working.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            proxy.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if refusal:
                writer.write(refusal)
                await writer.drain()
            else:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        writer.transport.abort()
        working.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await server.wait_closed()


@pytest.fixture(name="authority", scope="module")
def make_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_the_proxy_leads_to_the_judged_address_and_the_name_is_still_checked(
    authority: Authority,
) -> None:
    async with serve(tls=authority.serve(HOST)) as site, open_proxy(site.port) as proxy:
        settings = HttpSettings(proxy=f"http://ada:secret@127.0.0.1:{proxy.port}", ca_bundle=authority.pem)
        async with open_caller(
            [HOST], names={HOST: [(PUBLIC,)]}, judge=lambda *_: Verdict.PUBLIC, settings=settings
        ) as caller:
            assert (await caller.request(f"https://{HOST}/"))["status"] == 200
    assert proxy.heads[0].startswith(f"CONNECT {PUBLIC}:443 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic YWRhOnNlY3JldA==" in proxy.heads[0]
    assert site.last.headers["host"] == HOST
    assert not any(name.startswith("proxy-") for name in site.last.headers)


async def test_a_proxy_that_resolves_gets_the_name(authority: Authority) -> None:
    async with serve(tls=authority.serve(HOST)) as site, open_proxy(site.port) as proxy:
        settings = HttpSettings(
            proxy=f"http://127.0.0.1:{proxy.port}", ca_bundle=authority.pem, proxy_resolves=True
        )
        async with open_caller([HOST], names={HOST: [()]}, settings=settings) as caller:
            assert (await caller.request(f"https://{HOST}/"))["status"] == 200
    assert proxy.heads[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n")


async def test_no_proxy_is_asked_for_an_address_that_is_refused() -> None:
    async with open_proxy(1) as proxy:
        for resolves in (False, True):
            settings = HttpSettings(proxy=f"http://127.0.0.1:{proxy.port}", proxy_resolves=resolves)
            async with open_caller([HOST], names={HOST: [("169.254.169.254",)]}, settings=settings) as caller:
                with pytest.raises(HostError) as caught:
                    await caller.request(f"https://{HOST}/")
            assert caught.value.code == "ADDRESS_NOT_ALLOWED"
    assert proxy.heads == []


async def test_a_private_host_is_reached_without_the_proxy() -> None:
    async with serve() as site, open_proxy(1) as proxy:
        settings = HttpSettings(
            proxy=f"http://127.0.0.1:{proxy.port}", private_networks=(ipaddress.ip_network(str(LOOPBACK)),)
        )
        judge = admit(site, verdict=Verdict.PRIVATE)
        async with open_caller([f"{HOST}:{site.port}"], judge=judge, settings=settings) as caller:
            assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == 200
    assert proxy.heads == []


@pytest.mark.parametrize(
    "refusal", [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 407 Who\r\n\r\n"]
)
async def test_a_proxy_that_refuses_is_told_apart_from_the_host(refusal: bytes) -> None:
    async with open_proxy(1, refusal) as proxy:
        settings = HttpSettings(proxy=f"http://127.0.0.1:{proxy.port}", proxy_resolves=True)
        async with open_caller([HOST], names={HOST: [()]}, settings=settings) as caller:
            with pytest.raises(HostError) as caught:
                await caller.request(f"https://{HOST}/")
    assert caught.value.code == "PROXY_FAILED"
    assert "127.0.0.1" not in caught.value.message


async def test_the_process_s_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve() as site, open_proxy(1) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with open_caller([f"{HOST}:{site.port}"], site) as caller:
            assert (await caller.request(f"http://{HOST}:{site.port}/"))["status"] == 200
    assert proxy.heads == []


async def test_the_connection_resolves_the_proxy_and_nothing_else() -> None:
    settings = HttpSettings(proxy="http://localhost:3128")
    async with open_caller([HOST], settings=settings) as caller:
        assert isinstance(caller.names, Names)
        resolver = caller.client.session.connector._resolver  # type: ignore[union-attr]
        assert await resolver.resolve("localhost", 3128)
        with pytest.raises(OSError, match="to be resolved"):
            await resolver.resolve(HOST, 443)
