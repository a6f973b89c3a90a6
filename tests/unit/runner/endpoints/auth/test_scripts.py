"""Another Script decides: what it is told, and what its result means."""

from typing import Any

import pytest

from scriptorium_runner.endpoints import auth
from scriptorium_runner.endpoints.auth import Admitted, Refused, scripts
from tests.support.callers import FixedDoors, FixedSecrets, decide, make_call, make_ways

WAYS = make_ways({"script": {"name": "gate"}})


async def judge(result: Any) -> Admitted | Refused:
    return await decide(WAYS, make_call(), doors=FixedDoors(results={"gate": result}))


async def test_a_user_is_let_in() -> None:
    user = {"id": "u-1", "name": "Ada", "email": "ada@example.com", "roles": ["till"]}
    assert await judge({"user": user}) == Admitted(user, "script:u-1")
    assert await judge({"user": user, "allowed": True}) == Admitted(user, "script:u-1")


@pytest.mark.parametrize(
    "result",
    [
        None,
        {},
        [],
        "yes",
        True,
        {"value": True},
        {"allowed": True},
        {"allowed": "true", "user": {"id": "u-1"}},
        {"allowed": 1, "user": {"id": "u-1"}},
        {"allowed": None, "user": {"id": "u-1"}},
        {"allowed": False, "user": {"id": "u-1"}},
        {"user": None},
        {"user": "u-1"},
        {"user": {}},
        {"user": {"id": ""}},
        {"user": {"id": 7}},
        {"user": {"id": "u" * 513}},
        {"user": [{"id": "u-1"}]},
    ],
)
async def test_everything_else_is_a_no(result: Any) -> None:
    answer = await judge(result)
    assert isinstance(answer, Refused)
    assert (answer.status, answer.headers) == (403, ())


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("not on Sundays", "not on Sundays"),
        ("x" * 600, "x" * 512),
        (None, "the caller is not allowed to do this"),
        (7, "the caller is not allowed to do this"),
    ],
)
async def test_a_no_may_say_why(message: Any, detail: str) -> None:
    answer = await judge({"allowed": False, "message": message})
    assert isinstance(answer, Refused)
    assert answer.detail == detail


async def test_a_script_that_fails_is_an_outage_without_details() -> None:
    answer = await decide(WAYS, make_call(), doors=FixedDoors())
    assert isinstance(answer, Refused)
    assert answer.status == 503
    assert "gate" not in answer.detail
    assert '"gate" did not decide: there is no such Script' in answer.reason


async def test_the_script_sees_all_but_the_body() -> None:
    doors = FixedDoors(results={"gate": {"user": {"id": "u-1"}}})
    call = make_call(
        ("authorization", "Custom abc"),
        ("x-many", "a"),
        ("x-many", "b"),
        ("cookie", 'session=s=1; theme="dark"; session=late; ; bare; =x'),
        method="POST",
        raw_path="/orders/7",
        raw_query="a=1&a=2&b=%C3%B6&c=&d=%FF",
        body=b"secret",
    )
    await auth.decide(WAYS, call, FixedSecrets(), doors, {"id": "7"})
    assert doors.asked == [
        (
            "gate",
            {
                "method": "POST",
                "path": "/orders/7",
                "params": {"id": "7"},
                "query": {"a": ["1", "2"], "b": "ö", "c": "", "d": "\ufffd"},
                "headers": {
                    "authorization": "Custom abc",
                    "x-many": "a, b",
                    "cookie": 'session=s=1; theme="dark"; session=late; ; bare; =x',
                },
                "cookies": {"session": "s=1", "theme": "dark"},
                "ip": "192.0.2.7",
                "id": "call-1",
            },
        )
    ]


async def test_bytes_that_are_no_text_reach_the_script_as_signs_for_them() -> None:
    head = scripts.build_head(make_call(("x-raw", "a\udcff"), ("cookie", "a=\udcff")), {})
    assert head["headers"]["x-raw"] == "a\ufffd"
    assert head["cookies"] == {"a": "\ufffd"}
