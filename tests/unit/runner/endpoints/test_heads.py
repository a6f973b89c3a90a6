import pytest

from scriptorium_runner.endpoints import heads
from scriptorium_runner.endpoints.auth import scripts
from scriptorium_runner.endpoints.requests import build_request
from tests.support.callers import make_call


def test_cookies_that_come_in_several_headers_are_one_header() -> None:
    joined = heads.join_headers((("cookie", "a=1"), ("x", "1"), ("cookie", "b=2"), ("x", "2")))
    assert joined == {"cookie": "a=1; b=2", "x": "1, 2"}


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=narrow; a=wide", {"a": "narrow"}),
        ('a="1 2"; b="', {"a": "1 2", "b": '"'}),
        ("bare; =nameless; c=", {"c": ""}),
    ],
)
def test_cookies_are_told_by_name(header: str, cookies: dict[str, str]) -> None:
    assert heads.read_cookies(header) == cookies


def test_who_decides_and_who_answers_see_the_same_request() -> None:
    call = make_call(("cookie", 'a="1"'), ("cookie", "b=2"), ("x", "\udcff"), raw_query="q=1&q=2&r=")
    head, request = scripts.build_head(call, {"id": "7"}), build_request(call, {"id": "7"})
    assert head["cookies"] == {"a": "1", "b": "2"}
    assert {name: getattr(request, name) for name in head} == head
