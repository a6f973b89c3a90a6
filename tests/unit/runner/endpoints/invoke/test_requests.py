"""What a call asks for, and what it cannot ask for."""

import pytest

from scriptorium_api.execution import MAX_INPUT_BYTES
from scriptorium_runner.endpoints.calls import Call, Problem
from scriptorium_runner.endpoints.invoke import requests


def make_call(path: str = "/v1/scripts/hello/invoke", body: bytes = b"", **headers: str) -> Call:
    named = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Call(id="1", method="POST", host="", raw_path=path, body=body, headers=tuple(named.items()))


def status_of(found: object) -> int | None:
    return found.status if isinstance(found, Problem) else None


@pytest.mark.parametrize("name", ["a", "hello", "a.b-c9", "x" * 63])
def test_a_path_names_a_script(name: str) -> None:
    assert requests.find_script_name(make_call(f"/v1/scripts/{name}/invoke")) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a..b", "-a", "a-", "A", "a/b", "a%2fb", "%61", "..%2fa", "a\\b", "a\n", "ä", "x" * 64],
)
def test_nothing_else_is_a_path(name: str) -> None:
    assert status_of(requests.find_script_name(make_call(f"/v1/scripts/{name}/invoke"))) == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/scripts/a/invoke/",
        "//v1/scripts/a/invoke",
        "/v1/scripts/a/invoke;x",
        "http://h/v1/scripts/a/invoke",
    ],
)
def test_there_is_one_way_to_write_it(path: str) -> None:
    assert status_of(requests.find_script_name(make_call(path))) == 404


def test_the_query_may_lower_the_time_limit() -> None:
    assert [requests.read_timeout(query) for query in ("", "timeoutSeconds=1", "timeoutSeconds=3600")] == [
        None,
        1,
        3600,
    ]


@pytest.mark.parametrize(
    "query",
    [
        "namespace=other",
        "timeoutSeconds=5&namespace=other",
        "timeoutSeconds=5&timeoutSeconds=6",
        "timeoutSeconds",
        "timeoutSeconds=",
        "timeoutSeconds=0",
        "timeoutSeconds=3601",
        "timeoutSeconds=1e3",
        "timeoutSeconds=-1",
        "timeoutSeconds=%D9%A3",
        "&",
        "&".join(f"a{number}=1" for number in range(1000)),
    ],
    ids=lambda query: query[:40],
)
def test_the_query_says_nothing_else(query: str) -> None:
    assert status_of(requests.read_timeout(query)) == 400


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_without_a_body_the_input_is_empty(body: bytes) -> None:
    assert requests.read_input(make_call(body=body)) == {}


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/cloudevents+json",
    ],
)
def test_a_body_is_the_input(kind: str) -> None:
    call = make_call(body=b'{"namespace": "other", "big": 1e300, "text": "\xc3\xa4"}', content_type=kind)
    assert requests.read_input(call) == {"namespace": "other", "big": 1e300, "text": "ä"}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_a_body_of_another_type_is_refused(kind: str) -> None:
    assert status_of(requests.read_input(make_call(body=b"{}", content_type=kind))) == 415


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"1",
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"{} {}",
        b'{"a":' * 151 + b"1" + b"}" * 151,
        b'{"a":' + b"[" * 60_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_input_is_refused(body: bytes) -> None:
    assert status_of(requests.read_input(make_call(body=body))) == 400


def test_an_input_may_be_as_large_as_any_and_no_larger() -> None:
    frame = len('{"a":""}')
    largest = b'{"a": "' + b"x" * (MAX_INPUT_BYTES - frame) + b'"}'
    assert isinstance(requests.read_input(make_call(body=largest)), dict)
    larger = b'{"a": "' + b"x" * (MAX_INPUT_BYTES - frame + 1) + b'"}'
    assert status_of(requests.read_input(make_call(body=larger))) == 413


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("content_length", str(requests.MOST_BODY), None),
        ("content_length", str(requests.MOST_BODY + 1), 413),
        ("content_length", "9" * 5000, 413),
        ("content_encoding", "gzip", 415),
        ("content_encoding", "identity", None),
    ],
    ids=["largest", "larger", "absurd", "packed", "plain"],
)
def test_headers_can_say_that_a_body_need_not_be_read(header: str, value: str, status: int | None) -> None:
    assert status_of(requests.find_body_problem(make_call(**{header: value}))) == status
