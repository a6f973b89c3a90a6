"""Signatures of webhooks: each provider's own example where it publishes one, else what openssl computes.

printf '%s' "$TEXT" | openssl dgst -sha256 -hmac "$SECRET"
"""

import threading
from dataclasses import replace
from typing import Any

import pytest

from scriptorium_runner.endpoints.auth import Admitted, Refused, signatures
from scriptorium_runner.endpoints.calls import Call
from tests.support.callers import NOW, FixedDoors, FixedSecrets, decide, make_call, make_ways

BODY = b'{"id":"evt_1","type":"charge.succeeded"}'
NOW_TEXT = str(int(NOW))

#: docs.github.com, Validating webhook deliveries, Testing the webhook payload validation.
GITHUB_SECRET = b"It's a Secret to Everybody"
GITHUB = make_call(
    (
        "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    ),
    body=b"Hello, World!",
)

#: docs.slack.dev, Verifying requests from Slack; its time is in 2018.
SLACK_SECRET = b"8f742231b10e8888abcd99yyyzzz85a5"
SLACK_TIME = 1531420618.0
SLACK = make_call(
    ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
    ("x-slack-request-timestamp", "1531420618"),
    body=(
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    ),
)

STRIPE_SIGNATURE = "415b6919fcf3e2fddcbbdfa5858595ab3e0129ecb44793abf061437d252d9cb7"
STRIPE = make_call(("stripe-signature", f"t={NOW_TEXT},v1={STRIPE_SIGNATURE}"), body=BODY)

SHOPIFY = make_call(("x-shopify-hmac-sha256", "AIIdtyCn0tkyM/CiafW0tyVnC2IACWY+bSBT64c1e7s="), body=BODY)

GENERAL_SIGNATURE = "ed97c4edb4b0e10efd7f447418730008624e8294588449b3de0f64e82c2874d5"
GENERAL = make_call(("x-signature", GENERAL_SIGNATURE), body=BODY)

TIMED_SIGNATURE = "ardYZrXpGu+fLOTuDoG3T+0j1v+sVOm1+J4fsMhcoWO0oKR0C7Uh0y0Z4OuXecsanc5tS/AiEvW9k+4JcNc1JA=="
TIMED = make_call(("x-signature", f"v9 {TIMED_SIGNATURE}"), ("x-time", NOW_TEXT), body=BODY)

SECRETS = FixedSecrets(
    hooks={
        "github": GITHUB_SECRET,
        "slack": SLACK_SECRET,
        "stripe": b"whsec_test\n",
        "shopify": b"shpss_test",
        "general": b"general-secret",
        "rotated": b"newer\r\n\nwhsec_test\nolder\n",
        "empty": b"\n",
        "many": b"secret\n" * 9,
    }
)


def hmac(key: str, **fields: Any) -> list[Any]:
    return make_ways({"hmac": {"secretRef": {"name": "hooks", "key": key}} | fields})


PRESETS = {name: hmac(name, preset=name) for name in ("github", "slack", "stripe", "shopify")}
WAYS = PRESETS | {
    "general": hmac("general", header="X-Signature"),
    "timed": hmac(
        "general",
        header="X-Signature",
        prefix="v9 ",
        digest="sha512",
        encoding="base64",
        timestampHeader="X-Time",
    ),
}
CALLS = {
    "github": GITHUB,
    "slack": SLACK,
    "stripe": STRIPE,
    "shopify": SHOPIFY,
    "general": GENERAL,
    "timed": TIMED,
}


async def judge(name: str, call: Call, now: float | None = None) -> Admitted | Refused:
    doors = FixedDoors()
    doors.time = now or (SLACK_TIME if name == "slack" else NOW)
    return await decide(WAYS[name], call, SECRETS, doors)


def with_header(call: Call, name: str, value: str) -> Call:
    return replace(call, headers=tuple((key, value if key == name else old) for key, old in call.headers))


@pytest.mark.parametrize("name", CALLS)
async def test_a_right_signature_is_taken(name: str) -> None:
    answer = await judge(name, CALLS[name])
    known = name if name in PRESETS else "hooks"
    assert answer == Admitted({"id": known}, f"hmac:{known}")


@pytest.mark.parametrize("name", CALLS)
async def test_another_body_is_refused(name: str) -> None:
    for body in (CALLS[name].body + b" ", CALLS[name].body[:-1], b""):
        answer = await judge(name, replace(CALLS[name], body=body))
        assert isinstance(answer, Refused)
        assert answer.status == 401


@pytest.mark.parametrize("name", CALLS)
async def test_a_body_too_large_to_sign_at_once_is_judged_alike(name: str) -> None:
    answer = await judge(name, replace(CALLS[name], body=b"x" * 1_000_000))
    assert isinstance(answer, Refused)
    assert answer.status == 401


@pytest.mark.parametrize("name", CALLS)
async def test_without_a_signature_there_are_no_credentials(name: str) -> None:
    answer = await judge(name, replace(CALLS[name], headers=()))
    assert isinstance(answer, Refused)
    assert answer.reason == "no credentials were sent"


@pytest.mark.parametrize("name", CALLS)
async def test_two_signatures_in_two_headers_are_refused(name: str) -> None:
    call = CALLS[name]
    answer = await judge(name, replace(call, headers=call.headers + call.headers[:1]))
    assert isinstance(answer, Refused)
    assert answer.status == 400


@pytest.mark.parametrize(("name", "header"), [(name, call.headers[0][0]) for name, call in CALLS.items()])
async def test_what_is_no_signature_is_refused(name: str, header: str) -> None:
    sent = dict(CALLS[name].headers)[header]
    broken = f"{sent[:20]} {sent[20:]}"
    for value in ("", "sha256=", "v0=", "=", sent[:-2], sent + "00", broken, "\udcff\u00b2"):
        answer = await judge(name, with_header(CALLS[name], header, value))
        assert isinstance(answer, Refused), value
        assert answer.status == 401


@pytest.mark.parametrize("name", ["slack", "timed", "stripe"])
@pytest.mark.parametrize("off", [-301, 301])
async def test_a_time_too_far_off_is_refused_on_both_sides(name: str, off: int) -> None:
    now = SLACK_TIME if name == "slack" else NOW
    answer = await judge(name, CALLS[name], now + off)
    assert isinstance(answer, Refused)
    assert f"{off} seconds off" in answer.reason
    assert isinstance(await judge(name, CALLS[name], now + off - off / abs(off)), Admitted)


@pytest.mark.parametrize(("name", "header"), [("slack", "x-slack-request-timestamp"), ("timed", "x-time")])
async def test_a_time_is_needed_and_signed(name: str, header: str) -> None:
    call = CALLS[name]
    without = replace(call, headers=tuple(pair for pair in call.headers if pair[0] != header))
    twice = replace(call, headers=(*call.headers, (header, dict(call.headers)[header])))
    sent = dict(call.headers)[header]
    others = [with_header(call, header, each) for each in ("", "-1", "1e9", f"{sent}.0", "٣", "9" * 13)]
    changed = with_header(call, header, str(int(sent) + 1))
    for each in (without, twice, changed, *others):
        assert isinstance(await judge(name, each), Refused)


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [
        ("t={time},v1={other},v1={right}", True),
        ("t={time}, v1={right}, v0={other}", True),
        ("v1={right},t={time}", True),
        ("t={time},v0={right}", False),
        ("v1={right}", False),
        ("t={time}", False),
        ("t={time},t={time},v1={right}", False),
        ("t=1,t={time},v1={right}", False),
        ("t=,v1={right}", False),
        ("t={time},v1=", False),
        ("t={time},v1={right},", True),
        ("t={time}," + "v1={other}," * 16 + "v1={right}", False),
    ],
)
async def test_the_list_of_stripe(sent: str, is_taken: bool) -> None:
    value = sent.format(time=NOW_TEXT, right=STRIPE_SIGNATURE, other="0" * 64)
    answer = await judge("stripe", with_header(STRIPE, "stripe-signature", value))
    assert isinstance(answer, Admitted) is is_taken


async def test_while_a_secret_is_changed_each_line_is_one() -> None:
    answer = await decide(hmac("rotated", preset="stripe"), STRIPE, SECRETS)
    assert isinstance(answer, Admitted)


@pytest.mark.parametrize("key", ["empty", "many", "missing"])
async def test_a_secret_that_cannot_be_used_is_an_outage(key: str) -> None:
    answer = await decide(hmac(key, preset="stripe"), STRIPE, SECRETS)
    assert isinstance(answer, Refused)
    assert answer.status == 503
    assert f'"hooks", key "{key}"' in answer.reason
    assert "hooks" not in answer.detail


def test_all_secrets_are_tried_and_equal_lengths_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    compare = signatures.hmac.compare_digest

    def count(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(signatures.hmac, "compare_digest", count)
    claim = signatures.read_claim(signatures.find_form(PRESETS["github"][0].hmac), GITHUB)
    assert isinstance(claim, signatures.Claim)
    keys = [GITHUB_SECRET, b"other", b"third"]
    assert signatures.is_signed(claim, GITHUB.body, keys, signatures.Digest.SHA256)
    assert compared == [(32, 32)] * 3


@pytest.mark.parametrize(("size", "is_beside"), [(1000, False), (300 * 1024, True)])
async def test_others_need_not_wait_while_a_large_body_is_signed(
    size: int, is_beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def is_signed(*_: Any) -> bool:
        threads.append(threading.current_thread())
        return True

    monkeypatch.setattr(signatures, "is_signed", is_signed)
    assert isinstance(await judge("github", replace(GITHUB, body=b"x" * size)), Admitted)
    assert [each is not threading.main_thread() for each in threads] == [is_beside]
