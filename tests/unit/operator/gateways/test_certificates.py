"""Real certificates and real handshakes, between a server and a client of this process."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from scriptorium_operator.errors import CertificateUnusable
from scriptorium_operator.gateways import certificates
from scriptorium_operator.gateways.certificates import Identity, Request

HOST = "scriptorium-webhook.scriptorium-system.svc"


def make_identity(holder: str = "operator-1", age: timedelta = timedelta(0)) -> Identity:
    begins = datetime.now(UTC).replace(microsecond=0) - age
    return certificates.make_identity(
        Request(host=HOST, holder=holder, begins=begins, lifetime=timedelta(days=1))
    )


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[int]:
    """Greet whoever connects; gives the port."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def connect(port: int, *trusted: Identity, host: str = HOST) -> bytes:
    """Connect as one who trusts these and no others; raises ssl.SSLError."""
    client = ssl.create_default_context(cadata="".join(each.certificate.pem for each in trusted))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=host)
    greeting = await reader.read()
    writer.close()
    await writer.wait_closed()
    return greeting


async def test_who_trusts_the_certificate_is_served_and_nobody_else() -> None:
    mine, another = make_identity(), make_identity()
    context = certificates.build_tls()
    certificates.show(context, mine.pem)
    async with serving(context) as port:
        assert await connect(port, mine, another) == b"hello"
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(port, another)
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            await connect(port, mine, host="scriptorium-webhook.elsewhere.svc")


async def test_the_next_certificate_is_shown_without_a_restart() -> None:
    first, second = make_identity(), make_identity()
    context = certificates.build_tls()
    certificates.show(context, first.pem)
    async with serving(context) as port:
        assert await connect(port, first) == b"hello"
        certificates.show(context, second.pem)
        assert await connect(port, second) == b"hello"
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(port, first)


@pytest.mark.parametrize("flaw", ["another's key", "no key", "no text", "nothing"])
async def test_what_cannot_be_shown_leaves_the_last_one_in_place(flaw: str) -> None:
    good, other = make_identity(), make_identity()
    key, _, _ = other.pem.partition(b"-----BEGIN CERTIFICATE")
    broken = {
        "another's key": key + good.certificate.pem.encode(),
        "no key": good.certificate.pem.encode(),
        "no text": b"\0\xff",
        "nothing": b"",
    }[flaw]
    context = certificates.build_tls()
    certificates.show(context, good.pem)
    with pytest.raises(CertificateUnusable):
        certificates.show(context, broken)
    async with serving(context) as port:
        assert await connect(port, good) == b"hello"


def test_a_certificate_vouches_for_no_other_and_for_nothing_but_serving() -> None:
    made = x509.load_pem_x509_certificate(make_identity().certificate.pem.encode())
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not made.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_key_is_not_in_what_is_logged() -> None:
    assert "PRIVATE" not in repr(make_identity())


def test_a_bundle_is_read_as_it_was_told() -> None:
    made = [make_identity(f"operator-{number}").certificate for number in range(3)]
    assert certificates.read_bundle("".join(each.pem for each in made)) == tuple(made)


def test_pods_with_long_names_are_told_apart_by_their_ends() -> None:
    one, two = make_identity("operator-" * 9 + "one"), make_identity("operator-" * 9 + "two")
    assert one.certificate.holder != two.certificate.holder
    assert certificates.read_bundle(one.certificate.pem) == (one.certificate,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Zm9v",
        "-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_of_ours_is_left_out(text: str) -> None:
    ours = make_identity().certificate
    assert certificates.read_bundle(text) == ()
    assert certificates.read_bundle(text + ours.pem)[-1:] == (ours,) or "END" not in text


def test_another_authoritys_certificate_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(certificates, "_ORGANIZATION", "somebody else")
        foreign = make_identity().certificate
        assert certificates.read_bundle(foreign.pem) == (foreign,)
    assert certificates.read_bundle(foreign.pem) == ()


def test_a_mounted_certificate_is_read_once_it_is_there(tmp_path: Path) -> None:
    assert certificates.read_folder(tmp_path) is None
    key, mark, certificate = make_identity().pem.partition(b"-----BEGIN CERTIFICATE")
    (tmp_path / "tls.key").write_bytes(key)
    assert certificates.read_folder(tmp_path) is None
    (tmp_path / "tls.crt").write_bytes(mark + certificate)
    found = certificates.read_folder(tmp_path)
    assert found is not None
    certificates.show(certificates.build_tls(), found)
