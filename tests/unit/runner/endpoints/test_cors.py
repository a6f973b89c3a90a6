from typing import Any

import pytest

from scriptorium_api.endpoints.traffic import Cors
from scriptorium_runner.endpoints.calls import Answer, Call, Problem
from scriptorium_runner.endpoints.cors import add_headers, answer_preflight, build_headers, is_preflight

APP = "https://app.example.com"


def make_cors(*origins: str, **spec: Any) -> Cors:
    return Cors.model_validate({"origins": list(origins)} | spec)


def make_call(origin: str | None = APP, method: str = "GET", asks: str | None = None) -> Call:
    pairs = [("origin", origin), ("access-control-request-method", asks)]
    headers = tuple((name, value) for name, value in pairs if value is not None)
    return Call(id="1", method=method, host="shop.example.com", raw_path="/orders", headers=headers)


@pytest.mark.parametrize(
    ("origin", "method", "asks", "expected"),
    [
        (APP, "OPTIONS", "PUT", True),
        (APP, "OPTIONS", None, False),
        (None, "OPTIONS", "PUT", False),
        (APP, "GET", "PUT", False),
    ],
)
def test_a_preflight_is_what_a_browser_asks_on_its_own(
    origin: str | None, method: str, asks: str | None, expected: bool
) -> None:
    assert is_preflight(make_call(origin, method, asks)) is expected


@pytest.mark.parametrize(
    ("pattern", "origin", "is_taken"),
    [
        (APP, APP, True),
        (APP, "http://app.example.com", False),
        (APP, "https://app.example.com:8443", False),
        (APP, "https://app.example.com.evil.org", False),
        (APP, "https://evil-app.example.com", False),
        (APP, "https://APP.example.com", False),
        (APP, "null", False),
        (APP, "", False),
        (APP, f"{APP}, https://evil.org", False),
        ("https://app.example.com:443", APP, True),
        ("http://app.example.com:80", "http://app.example.com", True),
        ("http://app.example.com:443", "http://app.example.com:443", True),
        ("http://localhost:3000", "http://localhost:3000", True),
        ("http://localhost:3000", "http://localhost:30000", False),
        ("https://*.example.com", APP, True),
        ("https://*.example.com", "https://a-1.example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://.example.com", False),
        ("https://*.example.com", "https://a.b.example.com", False),
        ("https://*.example.com", "https://evil.org/.example.com", False),
        ("https://*.example.com", "https://evil.org?.example.com", False),
        ("https://*.example.com", "https://evilexample.com", False),
        ("https://*.example.com", "https://app.example.com:8443", False),
        ("https://*.example.com:8443", "https://app.example.com:8443", True),
        ("chrome-extension://abcdef", "chrome-extension://abcdef", True),
        ("*", "null", True),
        ("*", APP, True),
    ],
)
def test_an_origin_is_known_by_its_pattern(pattern: str, origin: str, is_taken: bool) -> None:
    cors = make_cors("https://first.example.org", pattern) if pattern != "*" else make_cors("*")
    names = {name for name, _ in build_headers(cors, make_call(origin))}
    assert ("Access-Control-Allow-Origin" in names) is is_taken
    preflight = answer_preflight(["GET"], cors, make_call(origin, "OPTIONS", "GET"))
    assert isinstance(preflight, Answer) is is_taken


def test_a_page_is_told_that_it_may_read_the_answer() -> None:
    assert build_headers(make_cors(APP), make_call()) == (
        ("Access-Control-Allow-Origin", APP),
        ("Vary", "Origin"),
    )


def test_a_page_with_credentials_and_headers_of_ours() -> None:
    cors = make_cors(APP, credentials=True, exposedHeaders=["X-Total", "ETag"])
    assert build_headers(cors, make_call()) == (
        ("Access-Control-Allow-Origin", APP),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
        ("Access-Control-Expose-Headers", "X-Total, ETag"),
    )


@pytest.mark.parametrize("origin", [APP, None, "null"])
def test_where_all_may_read_the_answer_is_the_same_for_all(origin: str | None) -> None:
    headers = build_headers(make_cors("*", APP), make_call(origin))
    assert headers == (("Access-Control-Allow-Origin", "*"),)


@pytest.mark.parametrize("origin", [None, "https://evil.org", "null"])
def test_caches_keep_the_answer_to_others_apart(origin: str | None) -> None:
    assert build_headers(make_cors(APP), make_call(origin)) == (("Vary", "Origin"),)


def test_without_cors_nothing_is_told() -> None:
    assert build_headers(None, make_call()) == ()
    said = answer_preflight(["GET"], None, make_call(method="OPTIONS", asks="GET"))
    assert isinstance(said, Problem)
    assert said.status == 403
    assert "has no cors" in said.detail


@pytest.mark.parametrize(("method", "is_told"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_methods_that_pages_may_not_use_are_not_readable(method: str, is_told: bool) -> None:
    headers = dict(build_headers(make_cors(APP, methods=["GET"]), make_call(method=method)))
    assert ("Access-Control-Allow-Origin" in headers) is is_told
    assert headers["Vary"] == "Origin"


def test_a_browser_is_told_all_that_a_page_may_do() -> None:
    cors = make_cors(APP, headers=["X-Key", "Content-Type"], credentials=True, maxAge=60)
    assert answer_preflight(["GET", "PUT"], cors, make_call(method="OPTIONS", asks="DELETE")) == Answer(
        204,
        (
            ("Access-Control-Allow-Origin", APP),
            ("Access-Control-Allow-Credentials", "true"),
            ("Vary", "Origin"),
            ("Access-Control-Allow-Methods", "GET, PUT"),
            ("Access-Control-Allow-Headers", "X-Key, Content-Type"),
            ("Access-Control-Max-Age", "60"),
        ),
    )


def test_a_page_may_use_the_methods_that_cors_and_endpoint_both_have() -> None:
    cors = make_cors("*", methods=["PUT", "DELETE"])
    said = answer_preflight(["GET", "PUT"], cors, make_call(method="OPTIONS", asks="PUT"))
    assert isinstance(said, Answer)
    assert dict(said.headers)["Access-Control-Allow-Methods"] == "PUT"


def test_an_unknown_origin_is_refused_and_no_cache_keeps_that_for_others() -> None:
    said = answer_preflight(["GET"], make_cors(APP), make_call("https://evil.org", "OPTIONS", "GET"))
    assert isinstance(said, Problem)
    assert (said.status, said.headers) == (403, (("Vary", "Origin"),))
    assert "cors.origins" in said.detail


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        (None, ["Origin"]),
        ("Accept", ["Accept", "Origin"]),
        ("accept, origin", ["accept, origin"]),
        ("*", ["*"]),
        ("X-Origin", ["X-Origin", "Origin"]),
    ],
)
def test_an_answer_varies_by_what_the_script_says_and_by_origin(
    vary: str | None, expected: list[str]
) -> None:
    own = (("vary", vary),) if vary else ()
    answer = add_headers(Answer(200, own), make_cors(APP), make_call())
    assert [value for name, value in answer.headers if name.lower() == "vary"] == expected


def test_the_endpoints_word_on_origins_replaces_the_scripts() -> None:
    script = Answer(200, (("access-control-allow-origin", "*"), ("X-A", "1")), b"body")
    answer = add_headers(script, make_cors(APP), make_call("https://evil.org"))
    assert answer == Answer(200, (("X-A", "1"), ("Vary", "Origin")), b"body")
    assert add_headers(script, None, make_call()) is script
