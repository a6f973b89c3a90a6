"""JSON Web Tokens: which are taken, and what the script sees of them."""

import json
import math
from typing import Any

import pytest

from scriptorium_runner.endpoints.auth import Admitted, Refused, keys
from scriptorium_runner.endpoints.calls import Call
from tests.support.callers import NOW, FixedDoors, FixedSecrets, decide, make_call, make_ways
from tests.support.provider import ALGORITHMS, AUDIENCE, CLAIMS, ISSUER, URI, make_jwk, make_token, sign

JWT = {"issuer": ISSUER, "audience": AUDIENCE, "jwksUri": URI, "algorithms": list(ALGORITHMS)}
WAYS = make_ways({"jwt": JWT})
HEADER = {"alg": "RS256", "kid": "k1"}


def bear(token: str, scheme: str = "Bearer") -> Call:
    return make_call(("authorization", f"{scheme} {token}"))


async def judge(call: Call, *jwks: Any, **changes: Any) -> Admitted | Refused:
    doors = FixedDoors(keys={URI: {"keys": list(jwks) or [make_jwk("RS256")]}})
    return await decide(make_ways({"jwt": JWT | changes}), call, doors=doors)


async def refuse(call: Call, *jwks: Any, **changes: Any) -> Refused:
    answer = await judge(call, *jwks, **changes)
    assert isinstance(answer, Refused)
    assert answer.status == 401
    assert answer.headers == (("WWW-Authenticate", 'Bearer realm="scriptorium", error="invalid_token"'),)
    assert answer.detail == "the credentials are not accepted"
    return answer


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_of_each_algorithm_is_taken(algorithm: str) -> None:
    answer = await judge(bear(make_token(algorithm)), make_jwk(algorithm))
    assert isinstance(answer, Admitted)
    assert answer.who == f"jwt:{ISSUER} u-1"


async def test_the_script_sees_who_and_all_claims() -> None:
    answer = await judge(bear(make_token(roles=["till"])))
    assert isinstance(answer, Admitted)
    claims = CLAIMS | {"roles": ["till"]}
    assert answer.user == {"id": "u-1", "name": "Ada", "email": "ada@example.com", "claims": claims}


async def test_a_name_that_is_no_text_is_a_claim_alone() -> None:
    answer = await judge(bear(make_token(name={"first": "Ada"}, email=None)))
    assert isinstance(answer, Admitted)
    assert answer.user is not None
    assert answer.user.keys() == {"id", "claims"}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr", "Bearer  "])
async def test_the_scheme_may_be_written_in_any_case(scheme: str) -> None:
    assert isinstance(await judge(bear(make_token(), scheme)), Admitted)


async def test_without_a_token_no_error_is_named() -> None:
    answer = await judge(make_call())
    assert isinstance(answer, Refused)
    assert answer.headers == (("WWW-Authenticate", 'Bearer realm="scriptorium"'),)


async def test_the_issuer_is_that_of_the_endpoint() -> None:
    for issuer in ("https://evil.example.com", f"{ISSUER}/", ISSUER.upper(), "", None, [ISSUER], 1):
        assert "iss" in (await refuse(bear(make_token(iss=issuer)))).reason


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
async def test_the_audience_may_be_one_of_several(audience: Any) -> None:
    assert isinstance(await judge(bear(make_token(aud=audience))), Admitted)


@pytest.mark.parametrize("audience", ["other", "shopping", "sho", "", [], ["other"], None, {"shop": 1}, 1])
async def test_another_audience_is_401(audience: Any) -> None:
    assert "aud" in (await refuse(bear(make_token(aud=audience)))).reason


@pytest.mark.parametrize("off", [-30, -31, -3600])
async def test_an_expired_token_is_refused_beyond_the_leeway(off: int) -> None:
    assert "expired" in (await refuse(bear(make_token(exp=NOW + off)))).reason
    assert isinstance(await judge(bear(make_token(exp=NOW - 29))), Admitted)
    assert isinstance(await judge(bear(make_token(exp=NOW + off)), leewaySeconds=300), Admitted) is (
        off > -300
    )


async def test_the_leeway_is_the_endpoints() -> None:
    token = bear(make_token(exp=NOW - 299, iat=NOW + 299))
    assert isinstance(await judge(token, leewaySeconds=300), Admitted)
    await refuse(token, leewaySeconds=298)


async def test_a_token_must_expire() -> None:
    assert "no exp" in (await refuse(bear(make_token(exp=None)))).reason


@pytest.mark.parametrize("name", ["nbf", "iat"])
async def test_a_token_of_the_future_is_refused_beyond_the_leeway(name: str) -> None:
    assert f"{name} of" in (await refuse(bear(make_token(**{name: NOW + 31})))).reason
    assert isinstance(await judge(bear(make_token(**{name: NOW + 30}))), Admitted)
    assert isinstance(await judge(bear(make_token(**{name: None}))), Admitted)


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", [str(int(NOW) + 60), True, [int(NOW)], {"at": 1}, "soon"])
async def test_a_time_is_a_number(name: str, value: Any) -> None:
    assert name in (await refuse(bear(make_token(**{name: value})))).reason


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
async def test_a_time_that_is_no_json_is_refused(value: float) -> None:
    await refuse(bear(make_token(exp=value)))


async def test_a_time_too_large_for_a_clock_is_refused() -> None:
    claims = json.dumps(CLAIMS | {"exp": 1}).replace('"exp": 1', '"exp": 1e999')
    await refuse(bear(sign(HEADER, claims)))
    await refuse(
        bear(sign(HEADER, json.dumps(CLAIMS | {"iat": 1}).replace('"iat": 1', '"iat": ' + "9" * 5000)))
    )


@pytest.mark.parametrize("subject", [None, "", 7, ["u-1"], "u" * 513])
async def test_a_token_says_who(subject: Any) -> None:
    assert "sub" in (await refuse(bear(make_token(sub=subject)))).reason


async def test_a_key_is_chosen_by_the_tokens_kid() -> None:
    others = [make_jwk("RS256", "k0", number=1), make_jwk("ES256", "k2"), make_jwk("RS256")]
    assert isinstance(await judge(bear(make_token()), *others), Admitted)


async def test_a_token_without_kid_is_taken_where_there_is_no_choice() -> None:
    token = bear(sign({"alg": "RS256"}, CLAIMS))
    assert isinstance(await judge(token, make_jwk("RS256", None), make_jwk("ES256", "e")), Admitted)
    assert "several" in (await refuse(token, make_jwk("RS256"), make_jwk("RS256", "k0", number=1))).reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_fits_the_algorithms_of_its_type_and_curve_alone(algorithm: str) -> None:
    family = {"RS": "R", "PS": "R", "Ed": "Ed"}
    for other in ALGORITHMS:
        is_alike = family.get(other[:2], other) == family.get(algorithm[:2], algorithm)
        assert keys.has_key({"keys": [make_jwk(other, alg=None)]}, algorithm, "k1") is is_alike


async def test_an_unknown_kid_asks_for_the_keys_anew() -> None:
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256", "newer")]}})
    answer = await decide(WAYS, bear(make_token()), doors=doors)
    assert isinstance(answer, Refused)
    assert answer.status == 401
    assert doors.fetched == [(URI, False), (URI, True)]


async def test_a_known_kid_with_a_wrong_signature_does_not() -> None:
    doors = FixedDoors(keys={URI: {"keys": [make_jwk("RS256", number=1)]}})
    assert isinstance(await decide(WAYS, bear(make_token()), doors=doors), Refused)
    assert doors.fetched == [(URI, False)]


async def test_without_keys_nobody_can_be_told() -> None:
    answer = await decide(WAYS, bear(make_token()), doors=FixedDoors())
    assert isinstance(answer, Refused)
    assert answer.status == 503
    assert URI not in answer.detail
    assert URI in answer.reason


async def test_keys_may_come_from_a_secret() -> None:
    ways = make_ways(
        {"jwt": {"issuer": ISSUER, "audience": AUDIENCE, "jwksSecretRef": {"name": "id", "key": "jwks.json"}}}
    )
    right = json.dumps({"keys": [make_jwk("RS256")]}).encode()
    assert isinstance(await decide(ways, bear(make_token()), FixedSecrets(id={"jwks.json": right})), Admitted)
    for value in (None, b"", b"{}", b"[]", b"\xff", b'{"keys": {}}', b"[" * 100_000):
        secrets = FixedSecrets(id={} if value is None else {"jwks.json": value})
        answer = await decide(ways, bear(make_token()), secrets)
        assert isinstance(answer, Refused)
        assert answer.status == 503
        assert '"id", key "jwks.json"' in answer.reason


@pytest.mark.parametrize(
    ("jwk", "token", "payload"),
    [
        # RFC 7515, A.3.
        (
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                "alg": "ES256",
            },
            (
                "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19"
                "yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
            ),
            b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}',
        ),
        # RFC 8037, A.4.
        (
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "alg": "EdDSA",
            },
            (
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6d"
                "WbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
            ),
            b"Example of Ed25519 signing",
        ),
    ],
)
def test_the_examples_of_the_rfcs_verify(jwk: dict[str, Any], token: str, payload: bytes) -> None:
    key = keys.pick_key({"keys": [jwk]}, jwk["alg"], None)
    assert keys.verify(token, key) == payload
    with pytest.raises(keys.NoKey):
        keys.verify(token[:-6] + "AAAAAA", key)
