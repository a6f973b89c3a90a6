"""The first way whose credentials are there decides; what is answered to whom."""

import json

import pytest

from scriptorium_runner.endpoints.auth import Admitted, Refused
from scriptorium_runner.endpoints.calls import render_problem
from tests.support.callers import FixedSecrets, decide, make_call, make_ways, write_basic

KEY = {"apiKey": {"secretRef": {"name": "keys"}}}
BASIC = {"basic": {"secretRef": {"name": "users"}, "realm": "Shop"}}
NONE: dict[str, object] = {"none": {}}
SECRETS = FixedSecrets(keys={"till": b"k-1"}, users={"ada": b"enigma"})


async def test_none_lets_everybody_in_and_knows_nobody() -> None:
    assert await decide(make_ways(NONE), make_call()) == Admitted(None, "ip:192.0.2.7")


async def test_ways_are_asked_until_credentials_are_there() -> None:
    ways = make_ways(KEY, BASIC, NONE)
    assert await decide(ways, make_call(("x-api-key", "k-1")), SECRETS) == Admitted(
        {"id": "till"}, "apiKey:till"
    )
    assert await decide(ways, make_call(write_basic("ada", "enigma")), SECRETS) == Admitted(
        {"id": "ada"}, "basic:ada"
    )
    assert await decide(ways, make_call(), SECRETS) == Admitted(None, "ip:192.0.2.7")


async def test_wrong_credentials_do_not_fall_through_to_a_later_way() -> None:
    call = make_call(("x-api-key", "wrong"), write_basic("ada", "enigma"))
    for ways in (make_ways(KEY, BASIC), make_ways(KEY, NONE)):
        answer = await decide(ways, call, SECRETS)
        assert isinstance(answer, Refused)
        assert answer.status == 401


async def test_the_order_is_that_of_the_list() -> None:
    call = make_call(("x-api-key", "wrong"), write_basic("ada", "enigma"))
    answer = await decide(make_ways(BASIC, KEY), call, SECRETS)
    assert isinstance(answer, Admitted)


async def test_who_sends_nothing_is_told_what_to_send() -> None:
    answer = await decide(make_ways(KEY, BASIC), make_call(), SECRETS)
    assert isinstance(answer, Refused)
    assert answer.status == 401
    assert answer.headers == (("WWW-Authenticate", 'Basic realm="Shop", charset="UTF-8"'),)


async def test_for_keys_no_scheme_is_invented() -> None:
    answer = await decide(make_ways(KEY), make_call(), SECRETS)
    assert isinstance(answer, Refused)
    assert (answer.status, answer.headers) == (401, ())


async def test_a_scheme_that_nobody_asked_for_is_no_credential() -> None:
    call = make_call(("authorization", "Digest username=ada"))
    assert isinstance(await decide(make_ways(BASIC, NONE), call, SECRETS), Admitted)
    assert isinstance(await decide(make_ways(BASIC), call, SECRETS), Refused)


@pytest.mark.parametrize(
    ("way", "header"), [(KEY, ("x-api-key", "k-1")), (BASIC, write_basic("ada", "enigma"))]
)
async def test_a_missing_secret_is_an_outage_and_its_name_stays_inside(
    way: dict[str, object], header: tuple[str, str]
) -> None:
    answer = await decide(make_ways(way), make_call(header), FixedSecrets())
    assert isinstance(answer, Refused)
    assert (answer.status, answer.detail) == (503, "a Secret is missing")
    assert "is missing" in answer.reason
    assert dict(answer.headers)["Retry-After"]


async def test_all_wrong_credentials_of_a_way_are_answered_alike() -> None:
    ways = make_ways(KEY, BASIC)
    wrong = [
        write_basic("ada", "wrong"),
        write_basic("nobody", "enigma"),
        write_basic("", ""),
        ("authorization", "Basic !!!"),
        ("authorization", "Basic"),
        ("x-api-key", ""),
        ("x-api-key", "k-"),
    ]
    answers = [await decide(ways, make_call(each), SECRETS) for each in wrong]
    bodies = {render_problem(each, "call-1").body for each in answers if isinstance(each, Refused)}
    assert len(bodies) == 1
    assert json.loads(bodies.pop()) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "the credentials are not accepted",
        "requestId": "call-1",
    }
