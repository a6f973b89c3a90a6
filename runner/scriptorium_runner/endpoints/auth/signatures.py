"""Signatures over the raw body, as webhooks have them. Pure, though large bodies are left to a thread.

A signature is right for as long as its time is within the tolerance, and without a time for ever: whether the
same request came before is for the script to know, by an id in the body.
"""

import asyncio
import base64
import binascii
import hmac
import re
from functools import partial

from scriptorium_api.endpoints.auth import Digest, Hmac, Preset, SignatureEncoding
from scriptorium_api.env import EnvKeyRef
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.auth import credentials
from scriptorium_runner.endpoints.auth.ports import Secrets
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Denied, Fault, Verdict
from scriptorium_runner.endpoints.calls import Call

#: Two while a secret is being changed; each costs the work of one more signature over the body.
MAX_SECRETS = 8
#: Stripe sends one signature for each secret that it still has.
_MAX_SIGNATURES = 16

#: To sign more takes long enough that others would wait for it.
_LARGE = 256 * 1024

_TIME = re.compile(r"[0-9]{1,12}")


@frozen(kw_only=True)
class Form:
    """Where a provider puts its signature, and what it signs."""

    header: str
    prefix: str = ""
    encoding: SignatureEncoding = SignatureEncoding.HEX
    digest: Digest = Digest.SHA256
    timestamp_header: str | None = None
    salt: str = "{time}."
    """What stands before the body in what is signed, where there is a time."""
    is_list: bool = False
    """Whether the header is a list such as t=TIME,v1=SIGNATURE,v1=SIGNATURE, as Stripe has it."""


@frozen
class Claim:
    """What the caller says: any of these signatures is over the salt and the body."""

    signatures: tuple[bytes, ...]
    salt: bytes = b""
    time: int | None = None


_PRESETS = {
    Preset.GITHUB: Form(header="x-hub-signature-256", prefix="sha256="),
    Preset.STRIPE: Form(header="stripe-signature", prefix="v1=", is_list=True),
    Preset.SLACK: Form(
        header="x-slack-signature",
        prefix="v0=",
        timestamp_header="x-slack-request-timestamp",
        salt="v0:{time}:",
    ),
    Preset.SHOPIFY: Form(header="x-shopify-hmac-sha256", encoding=SignatureEncoding.BASE64),
}


def find_form(way: Hmac) -> Form:
    """Give the form of a preset, or the one that the manifest describes."""
    if way.preset is not None:
        return _PRESETS[way.preset]
    return Form(
        header=(way.header or "").lower(),
        prefix=way.prefix,
        encoding=way.encoding,
        digest=way.digest,
        timestamp_header=way.timestamp_header.lower() if way.timestamp_header else None,
    )


async def check(way: Hmac, call: Call, secrets: Secrets, now: float) -> Verdict:
    """Say whether the body was signed with one of the secrets, and lately."""
    form = find_form(way)
    if call.find_header(form.header) is None:
        return None
    claim = read_claim(form, call)
    if isinstance(claim, Denied):
        return claim
    keys = _read_keys(way.secret_ref, secrets)
    if isinstance(keys, Denied):
        return keys
    work = partial(is_signed, claim, call.body, keys, form.digest)
    is_right = await asyncio.to_thread(work) if len(call.body) * len(keys) > _LARGE else work()
    if denied := find_fault(claim, is_right, now, way.tolerance_seconds):
        return denied
    name = way.preset.value if way.preset else way.secret_ref.name
    return Admitted({"id": name}, f"hmac:{name}")


def find_fault(claim: Claim, is_right: bool, now: float, tolerance: int) -> Denied | None:
    """Say what is wrong with a claim whose signature is right or not; the time counts only if it is."""
    if not is_right:
        return Denied(Fault.WRONG, "the signature was made with another secret, or over another body")
    if claim.time is not None and abs(now - claim.time) > tolerance:
        return Denied(
            Fault.WRONG, f"the signature is right, but its time is {now - claim.time:.0f} seconds off"
        )
    return None


def _read_keys(reference: EnvKeyRef, secrets: Secrets) -> list[bytes] | Denied:
    place = f'the Secret "{reference.name}", key "{reference.key}",'
    value = secrets.read_key(reference.name, reference.key)
    if value is None:
        return Denied(Fault.UNDECIDED, f"{place} is missing", "a Secret is missing")
    keys = split_secrets(value)
    if not 0 < len(keys) <= MAX_SECRETS:
        return Denied(Fault.UNDECIDED, f"{place} must have 1 to {MAX_SECRETS} lines")
    return keys


def read_claim(form: Form, call: Call) -> Claim | Denied:
    """Read what the headers say."""
    sent = _read_only(call, form.header)
    if isinstance(sent, Denied):
        return sent
    if form.is_list:
        parts = [part.strip(" ") for part in sent.split(",")]
        times = [part[2:] for part in parts if part.startswith("t=")]
        # Another scheme beside, such as Stripe's v0 for tests, is none of ours.
        texts = [part for part in parts if part.startswith(form.prefix)][:_MAX_SIGNATURES]
    else:
        times, texts = [], [sent]
    if form.timestamp_header is not None:
        time = _read_only(call, form.timestamp_header)
        if isinstance(time, Denied):
            return time
        times = [time]
    signatures = tuple(each for text in texts if (each := _decode(text, form)))
    if not signatures:
        return Denied(Fault.WRONG, f"{form.header} is no signature of this form")
    if not (form.is_list or form.timestamp_header):
        return Claim(signatures)
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        return Denied(Fault.WRONG, "the time of the signature is none in Unix seconds")
    return Claim(signatures, form.salt.format(time=times[0]).encode(), int(times[0]))


def is_signed(claim: Claim, body: bytes, keys: list[bytes], digest: Digest) -> bool:
    """Say whether one of the signatures was made with one of the keys; all are tried in any case."""
    is_right = False
    for key in keys:
        maker = hmac.new(key, claim.salt, digest.value)
        maker.update(body)
        expected = maker.digest()
        for signature in claim.signatures:
            is_right |= hmac.compare_digest(signature, expected)
    return is_right


def split_secrets(value: bytes) -> list[bytes]:
    """Give the lines of a Secret's value that hold something: each is a secret."""
    lines = [line.removesuffix(b"\r") for line in value.split(b"\n")]
    return [line for line in lines if line]


def _read_only(call: Call, header: str) -> str | Denied:
    values = [value.strip(" \t") for name, value in call.headers if name == header]
    return credentials.pick_only(values, header) if values else Denied(Fault.WRONG, f"{header} is missing")


def _decode(text: str, form: Form) -> bytes | None:
    """Give the bytes of a signature; None for what is none."""
    if not text.startswith(form.prefix):
        return None
    try:
        encoded = text[len(form.prefix) :].encode("ascii")
        if form.encoding is SignatureEncoding.HEX:
            return binascii.unhexlify(encoded)
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
