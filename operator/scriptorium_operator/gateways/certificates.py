"""Keys and certificates: made here, shown from here; a key is never outside of this process's memory."""

import os
import re
import ssl
from dataclasses import field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from scriptorium_api.values import frozen
from scriptorium_operator.errors import CertificateUnusable
from scriptorium_operator.facts import Certificate

#: By this a certificate of ours is known among those that somebody else may have put into a bundle.
_ORGANIZATION = "scriptorium.dev webhook"

#: What a certificate's common name can hold; the ends of pod names tell them apart.
_LONGEST_HOLDER = 64

#: An API server's clock may be behind ours.
_HEAD_START = timedelta(minutes=10)

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")


@frozen
class Identity:
    """A certificate, and what proves that it is one's own."""

    certificate: Certificate
    pem: bytes = field(repr=False)
    """The key and the certificate."""


@frozen(kw_only=True)
class Request:
    """What a certificate is to say."""

    host: str
    holder: str
    begins: datetime
    lifetime: timedelta


def make_identity(request: Request) -> Identity:
    """Make a key and a certificate that vouches for itself and can vouch for no other."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name_holder(request.holder)),
        ]
    )
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=request.begins - _HEAD_START,
        not_valid_after=request.begins + request.lifetime,
    )
    for extension, is_critical in _list_extensions(request.host):
        builder = builder.add_extension(extension, is_critical)
    made = builder.sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    certificate = Certificate(public.decode(), name_holder(request.holder), made.not_valid_after_utc)
    return Identity(certificate, secret + public)


def name_holder(pod: str) -> str:
    """Give the name by which a pod's certificates are known."""
    return pod[-_LONGEST_HOLDER:]


def _list_extensions(host: str) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return [
        (x509.SubjectAlternativeName([x509.DNSName(host)]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]


def read_bundle(text: str) -> tuple[Certificate, ...]:
    """Give the certificates of ours in a bundle; what else is in it is left out."""
    found = (_read_certificate(block) for block in _BLOCK.findall(text))
    return tuple(each for each in found if each is not None)


def _read_certificate(pem: str) -> Certificate | None:
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        names = {each.oid: str(each.value) for each in found.subject}
    except (ValueError, x509.InvalidVersion):
        return None
    if names.get(NameOID.ORGANIZATION_NAME) != _ORGANIZATION:
        return None
    return Certificate(pem, names.get(NameOID.COMMON_NAME, ""), found.not_valid_after_utc)


def read_folder(folder: Path) -> bytes | None:
    """Give the key and certificate of a mounted Secret; None while they are not there."""
    try:
        return (folder / "tls.key").read_bytes() + b"\n" + (folder / "tls.crt").read_bytes()
    except OSError:
        return None


def build_tls() -> ssl.SSLContext:
    """Give how connections are secured; until a certificate is shown, none can be made."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def show(context: ssl.SSLContext, pem: bytes) -> None:
    """Show a certificate to whoever connects from now on; raises CertificateUnusable and keeps the last."""
    # A file that is nowhere but in memory: the ssl module reads files only.
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        path = f"/proc/self/fd/{descriptor}"
        try:
            # A pair that is none would leave the context with half of it.
            build_tls().load_cert_chain(path)
        except ssl.SSLError as error:
            raise CertificateUnusable(str(error)) from error
        context.load_cert_chain(path)
