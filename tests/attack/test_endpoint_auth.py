"""Callers who want in without credentials of their own: forged tokens, confused keys, doubled headers."""

import asyncio
import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_runner.endpoints.auth import Admitted, Refused, scripts
from scriptorium_runner.endpoints.calls import Call, render_problem
from tests.support.callers import FixedDoors, FixedSecrets, decide, make_call, make_ways, write_basic
from tests.support.provider import (
    ALGORITHMS,
    AUDIENCE,
    CLAIMS,
    ISSUER,
    URI,
    encode,
    find_algorithm,
    make_jwk,
    make_private_key,
    make_token,
    sign,
    sign_with_secret,
)

JWT = {"issuer": ISSUER, "audience": AUDIENCE, "jwksUri": URI, "algorithms": list(ALGORITHMS)}
#: A public Endpoint too must not take a forged token for no token.
WAYS = make_ways({"jwt": JWT}, {"none": {}})
PRESETS = {
    "github": "x-hub-signature-256",
    "stripe": "stripe-signature",
    "slack": "x-slack-signature",
    "shopify": "x-shopify-hmac-sha256",
}
HEADER = {"alg": "RS256", "kid": "k1", "typ": "JWT"}


def bear(token: str) -> Call:
    return make_call(("authorization", f"Bearer {token}"))


async def refuse(token: str, *jwks: dict[str, Any]) -> FixedDoors:
    doors = FixedDoors(keys={URI: {"keys": list(jwks) or [make_jwk("RS256")]}})
    answer = await decide(WAYS, bear(token), doors=doors)
    assert isinstance(answer, Refused)
    assert answer.status == 401
    # Neither the caller nor the log is told anything that the caller has sent.
    assert token not in repr(answer)
    assert b"token" not in render_problem(answer, "id").body
    return doors


def test_the_token_that_is_spoilt_here_is_good_otherwise() -> None:
    """What follows would pass for another reason else; the next test is its other half."""
    assert make_token() == sign(HEADER, CLAIMS)


async def test_the_good_token_is_taken() -> None:
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256")]}})
    assert isinstance(await decide(WAYS, bear(sign(HEADER, CLAIMS)), doors=doors), Admitted)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, [], ["RS256"], {}, 0])
@pytest.mark.parametrize("signature", ["", "AA"])
async def test_an_unsigned_token(algorithm: Any, signature: str) -> None:
    await refuse(f"{encode(HEADER | {'alg': algorithm})}.{encode(CLAIMS)}.{signature}")


async def test_a_token_without_an_algorithm() -> None:
    await refuse(sign({"kid": "k1"}, CLAIMS))


@pytest.mark.parametrize(
    "algorithm", ["HS256", "HS384", "HS512", "rs256", "RS256 ", "ES256K", "RSA-OAEP", "dir"]
)
async def test_an_algorithm_that_is_not_taken(algorithm: str) -> None:
    await refuse(sign(HEADER | {"alg": algorithm}, CLAIMS))


async def test_an_algorithm_that_the_endpoint_did_not_name() -> None:
    ways = make_ways({"jwt": JWT | {"algorithms": ["ES256"]}})
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256", alg=None)]}})
    assert isinstance(await decide(ways, bear(make_token()), doors=doors), Refused)
    assert doors.fetched == []


async def test_the_public_key_as_a_shared_secret() -> None:
    public = make_private_key("RS256").public_key()
    encodings = [
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        json.dumps(make_jwk("RS256")).encode(),
        base64.urlsafe_b64decode(make_jwk("RS256")["n"] + "=="),
    ]
    for secret in encodings:
        await refuse(sign_with_secret(HEADER | {"alg": "HS256"}, CLAIMS, secret))
        # Named as what it is not, so that a key is found for it.
        await refuse(sign_with_secret(HEADER, CLAIMS, secret))


async def test_a_shared_secret_among_the_providers_keys() -> None:
    shared = {"kty": "oct", "kid": "k1", "k": encode(b"secret" * 8)}
    await refuse(sign_with_secret(HEADER | {"alg": "HS256"}, CLAIMS, b"secret" * 8), shared)
    await refuse(sign_with_secret(HEADER, CLAIMS, b"secret" * 8), shared | {"alg": "RS256"})


async def test_a_key_that_the_token_brings_along() -> None:
    own = make_jwk("RS256", "own", number=7)
    pem = base64.b64encode(b"certificate").decode()
    for more in ({"jwk": own}, {"jwk": own, "kid": "own"}, {"x5c": [pem]}, {"x5t": "AA"}):
        await refuse(sign(HEADER | more, CLAIMS, number=7))


@pytest.mark.parametrize("name", ["jku", "x5u"])
@pytest.mark.parametrize(
    "place", ["https://evil.example.com/keys", "http://169.254.169.254/latest", "file:///etc"]
)
async def test_an_address_of_keys_that_the_token_brings_along(name: str, place: str) -> None:
    doors = await refuse(sign(HEADER | {name: place, "kid": "own"}, CLAIMS, number=7))
    assert {uri for uri, _ in doors.fetched} == {URI}


@pytest.mark.parametrize(
    "kid",
    [
        "../../etc/passwd",
        "/dev/null",
        "k1\0",
        "k1'--",
        "",
        "K1",
        " k1",
        "k" * 8000,
        ["k1"],
        1,
        {"a": 1},
        True,
    ],
)
async def test_a_kid_that_is_more_than_a_name(kid: Any) -> None:
    await refuse(sign(HEADER | {"kid": kid}, CLAIMS))


async def test_a_key_of_another_kind_under_the_tokens_kid() -> None:
    await refuse(sign(HEADER, CLAIMS), make_jwk("ES256"))
    await refuse(sign(HEADER | {"alg": "ES256"}, CLAIMS, "ES256"), make_jwk("ES384", alg="ES256"))
    await refuse(sign(HEADER | {"alg": "ES256"}, CLAIMS, "ES384"), make_jwk("ES384", alg=None))
    await refuse(sign(HEADER | {"alg": "ES384"}, CLAIMS, "ES384"), make_jwk("ES256", alg=None))
    await refuse(sign(HEADER | {"alg": "PS256"}, CLAIMS, "PS256"), make_jwk("RS256"))
    await refuse(sign(HEADER | {"alg": "RS512"}, CLAIMS, "RS512"), make_jwk("RS512", alg="RS256"))


async def test_a_key_that_is_not_for_signatures() -> None:
    for more in ({"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"alg": "RSA-OAEP"}):
        await refuse(make_token(), make_jwk("RS256", **more))


@pytest.mark.parametrize(
    "more",
    [
        {"n": "AQAB"},
        {"n": ""},
        {"n": 7},
        {"e": "AA"},
        {"e": "!"},
        {"kty": ["RSA"]},
        {"kty": "EC", "crv": ["P-256"]},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ],
)
async def test_a_key_that_is_malformed(more: dict[str, Any]) -> None:
    await refuse(make_token(), make_jwk("RS256", alg=None, **more))
    await refuse(sign(HEADER | {"alg": "ES256"}, CLAIMS, "ES256"), make_jwk("RS256", alg=None, **more))


async def test_a_key_too_short_to_be_safe() -> None:
    weak = make_private_key("RS256", 3, bits=1024)
    jwk = find_algorithm("RS256").to_jwk(weak.public_key(), as_dict=True) | {"kid": "k1", "key_ops": None}
    text = f"{encode(HEADER)}.{encode(CLAIMS)}"
    signature = find_algorithm("RS256").sign(text.encode(), weak)
    await refuse(f"{text}.{encode(signature)}", jwk)


async def test_a_signature_of_somebody_else() -> None:
    await refuse(sign(HEADER, CLAIMS, number=7))


async def test_an_elliptic_signature_of_nothing() -> None:
    # Zeros verify everything in implementations that do not look (CVE-2022-21449).
    text = f"{encode(HEADER | {'alg': 'ES256'})}.{encode(CLAIMS)}"
    for signature in (bytes(64), bytes(63), b"", b"\xff" * 64):
        await refuse(f"{text}.{encode(signature)}", make_jwk("ES256"))


async def test_claims_that_were_changed_after_signing() -> None:
    header, _, signature = make_token().split(".")
    await refuse(f"{header}.{encode(CLAIMS | {'sub': 'admin'})}.{signature}")


@pytest.mark.parametrize(
    "claims",
    [
        json.dumps(CLAIMS)[:-1] + ', "sub": "admin"}',
        json.dumps(CLAIMS)[:-1] + ', "exp": 99999999999}',
        json.dumps(CLAIMS)[:-1] + ', "s\\u0075b": "admin"}',
        json.dumps(CLAIMS)[:-1] + ', "deep": {"a": 1, "a": 2}}',
        json.dumps([CLAIMS]),
        json.dumps(CLAIMS) + "{}",
        '"text"',
        "null",
        "",
        b"\xff\xfe",
        "[" * 10_000,
        '{"a":' * 2_000,
    ],
)
async def test_claims_that_two_readers_read_differently(claims: str | bytes) -> None:
    await refuse(sign(HEADER, claims))


@pytest.mark.parametrize(
    "header",
    [
        '{"alg": "RS256", "kid": "k1", "alg": "none"}',
        '{"alg": "none", "kid": "k1", "alg": "RS256"}',
        '{"alg": "RS256", "kid": "k1", "kid": "k2"}',
        '{"alg": "RS256", "kid": "k1", "crit": ["exp"], "exp": 1}',
        '{"alg": "RS256", "kid": "k1", "crit": []}',
        '{"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": false}',
        '{"alg": "RS256", "kid": "k1", "b64": true}',
        '["RS256"]',
        '"RS256"',
        "",
        "[" * 10_000,
    ],
)
async def test_a_header_that_two_readers_read_differently(header: str) -> None:
    await refuse(sign(header, CLAIMS))


async def test_what_is_no_token() -> None:
    good = make_token()
    header, claims, signature = good.split(".")
    for token in (
        "",
        ".",
        "..",
        "...",
        f"{header}.{claims}",
        f"{good}.",
        f".{good}",
        f"{good}.{signature}",
        f"{header}.{claims}.{signature}.x.y",
        f"{header}. {claims}.{signature}",
        f"{header}!.{claims}.{signature}",
        f"{header}.{claims}.{signature}!",
        f"{header}.{claims}\n.{signature}",
        f"{good} {good}",
        f"{good},{good}",
        f"{good}\0",
        f'"{good}"',
        f"{good}\udcff",
        f"{good}\u200b",
        # An encrypted one, by its form.
        f"{header}.{claims}.{signature}.{signature}.{signature}",
    ):
        await refuse(token or "\t")


async def test_a_token_of_another_last_character_that_means_the_same_bytes() -> None:
    header, claims, signature = make_token().split(".")
    # The last of 342 characters carries four bits that nobody reads, unless one looks.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(signature[-1]) + 1]
    await refuse(f"{header}.{claims}.{signature[:-1]}{last}")


async def test_a_very_long_token_is_refused_before_it_is_read() -> None:
    doors = await refuse(make_token(padding="x" * 16_384))
    assert doors.fetched == []


@pytest.mark.parametrize("second", ["Bearer x", "Basic x", "Digest x", ""])
async def test_a_token_in_several_headers(second: str) -> None:
    good = ("authorization", f"Bearer {make_token()}")
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256")]}})
    for headers in ((good, ("authorization", second)), (("authorization", second), good), (good, good)):
        answer = await decide(WAYS, make_call(*headers), doors=doors)
        assert isinstance(answer, Refused)
        assert answer.status == 400
        assert answer.headers == (
            ("WWW-Authenticate", 'Bearer realm="scriptorium", error="invalid_request"'),
        )


async def test_a_token_elsewhere_is_none() -> None:
    token = make_token()
    ways = make_ways({"jwt": JWT})
    for call in (
        make_call(raw_query=f"access_token={token}"),
        make_call(("x-authorization", f"Bearer {token}")),
        make_call(("proxy-authorization", f"Bearer {token}")),
        make_call(("cookie", f"authorization=Bearer {token}")),
        make_call(("authorization", token)),
        make_call(("authorization", f"Token {token}")),
        make_call(body=f"access_token={token}".encode()),
    ):
        answer = await decide(ways, call)
        assert isinstance(answer, Refused)
        assert answer.reason == "no credentials were sent"


async def test_credentials_of_two_ways_are_those_of_the_first() -> None:
    ways = make_ways({"apiKey": {"query": "key", "secretRef": {"name": "keys"}}}, {"jwt": JWT})
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256")]}})
    secrets = FixedSecrets(keys={"shop": b"k-1"})
    token = ("authorization", f"Bearer {make_token()}")
    wrong = await decide(ways, make_call(token, raw_query="key=wrong"), secrets, doors)
    assert isinstance(wrong, Refused)
    right = await decide(ways, make_call(token, raw_query="key=k-1"), secrets, doors)
    assert isinstance(right, Admitted)
    assert right.who == "apiKey:shop"


async def test_a_name_of_one_way_is_nobody_of_another() -> None:
    """Rate limits count by `who`: whoever chooses its name in one way must not use up another's share."""
    secrets = FixedSecrets(keys={"ada": b"k-1"}, users={"ada": b"enigma"})
    ways = make_ways({"apiKey": {"secretRef": {"name": "keys"}}}, {"basic": {"secretRef": {"name": "users"}}})
    calls = (make_call(("x-api-key", "k-1")), make_call(write_basic("ada", "enigma")))
    answers = [await decide(ways, call, secrets) for call in calls]
    assert len({each.who for each in answers if isinstance(each, Admitted)}) == 2


ALL_WAYS = make_ways(
    {"apiKey": {"secretRef": {"name": "keys"}}},
    {"apiKey": {"query": "key", "secretRef": {"name": "keys"}}},
    {"basic": {"secretRef": {"name": "users"}}},
    {"jwt": JWT},
    *({"hmac": {"preset": preset, "secretRef": {"name": "hooks", "key": "token"}}} for preset in PRESETS),
)
HEADERS = ("x-api-key", "authorization", "cookie", *PRESETS.values(), "x-slack-request-timestamp")
TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("=,.: \t\0\udc80\udcff"), max_size=60)
VALUES = TEXT | st.builds(
    "{}{}".format, st.sampled_from(["Basic ", "Bearer ", "sha256=", "v0=", "t=1,v1=", "Bearer a.b."]), TEXT
)
PAIRS = st.tuples(st.sampled_from(HEADERS), VALUES)
CALLERS = st.builds(make_call, PAIRS, PAIRS, raw_query=TEXT | st.builds("key={}".format, TEXT))


@given(call=CALLERS)
def test_whatever_is_sent_is_refused_and_breaks_nothing(call: Call) -> None:
    secrets = FixedSecrets(keys={"a": b"k" * 32}, users={"a": b"p" * 32}, hooks={"token": b"s" * 32})
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256")]}})
    answer = asyncio.run(decide(ALL_WAYS, call, secrets, doors))
    assert isinstance(answer, Refused)
    assert answer.status in (400, 401)
    assert all(value.isascii() and value.isprintable() for _, value in answer.headers)
    json.loads(render_problem(answer, "id").body)


@given(call=CALLERS)
def test_a_script_is_told_of_any_caller_what_json_can_carry(call: Call) -> None:
    json.dumps(scripts.build_head(call, {}), ensure_ascii=False).encode()
