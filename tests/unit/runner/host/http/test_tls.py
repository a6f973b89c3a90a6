"""https, with an authority of the platform's own."""

import ssl
from pathlib import Path

import pytest

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http import HttpSettings
from tests.support.certificates import Authority
from tests.support.web import Site, open_caller, serve

HOST = "site.example.com"


@pytest.fixture(name="authority", scope="module")
def make_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(name="settings")
def make_settings(authority: Authority) -> HttpSettings:
    return HttpSettings(ca_bundle=authority.pem)


def allow(site: Site) -> list[str]:
    return [f"{HOST}:{site.port}"]


async def test_the_name_is_asked_for_and_checked_though_the_connection_is_to_an_address(
    authority: Authority, settings: HttpSettings
) -> None:
    asked: list[str | None] = []
    tls = authority.serve(HOST)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with serve(tls=tls) as site, open_caller(allow(site), site, settings=settings) as caller:
        response = await caller.request(f"https://{HOST.upper()}.:{site.port}/")
    assert response["status"] == 200
    assert asked == [HOST]
    assert site.last.headers["host"] == f"{HOST}:{site.port}"


async def test_tls_connections_are_used_again(authority: Authority, settings: HttpSettings) -> None:
    tls = authority.serve(HOST)
    async with serve(tls=tls) as site, open_caller(allow(site), site, settings=settings) as caller:
        for _ in range(3):
            await caller.request(f"https://{HOST}:{site.port}/")
    assert len({seen.peer for seen in site.seen}) == 1


@pytest.mark.parametrize("name", ["other.example.com", "example.com", "127.0.0.1", "*.site.example.com"])
async def test_a_certificate_for_another_name_is_refused(
    name: str, authority: Authority, settings: HttpSettings
) -> None:
    tls = authority.serve(name)
    async with serve(tls=tls) as site, open_caller(allow(site), site, settings=settings) as caller:
        with pytest.raises(HostError, match="certificate is not accepted: Hostname mismatch") as caught:
            await caller.request(f"https://{HOST}:{site.port}/")
    assert caught.value.code == "TLS_FAILED"
    assert site.seen == []


async def test_a_certificate_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    tls = authority.serve(HOST)
    async with serve(tls=tls) as site, open_caller(allow(site), site) as caller:
        with pytest.raises(HostError, match="certificate is not accepted") as caught:
            await caller.request(f"https://{HOST}:{site.port}/")
    assert caught.value.code == "TLS_FAILED"


async def test_an_old_certificate_is_refused(authority: Authority, settings: HttpSettings) -> None:
    tls = authority.serve(HOST, is_expired=True)
    async with serve(tls=tls) as site, open_caller(allow(site), site, settings=settings) as caller:
        with pytest.raises(HostError, match="certificate has expired"):
            await caller.request(f"https://{HOST}:{site.port}/")


async def test_a_server_without_tls_is_told(settings: HttpSettings) -> None:
    async with serve() as site, open_caller(allow(site), site, settings=settings) as caller:
        with pytest.raises(HostError) as caught:
            await caller.request(f"https://{HOST}:{site.port}/")
    assert caught.value.code == "TLS_FAILED"


async def test_the_system_s_authorities_stay_trusted(settings: HttpSettings, tmp_path: Path) -> None:
    alone = ssl.create_default_context().cert_store_stats()["x509_ca"]
    async with open_caller([HOST], settings=settings) as caller:
        context = caller.client.session.connector._ssl  # type: ignore[union-attr]
        assert context.cert_store_stats()["x509_ca"] == alone + 1
