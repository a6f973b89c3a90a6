import base64
from typing import Any

import pytest

from scriptorium_runner.engine import HostError
from scriptorium_runner.host.http.requests import Redirect, Request, read_request, redirect_request
from scriptorium_runner.host.http.targets import parse_target

MOST = 1000

NESTED: list[Any] = []
for _ in range(100_000):
    NESTED = [NESTED]


def read(**options: Any) -> Request:
    return read_request("http.request", [{"url": "https://api.example.com/", **options}], MOST)


def refuse(**options: Any) -> HostError:
    with pytest.raises(HostError) as caught:
        read(**options)
    return caught.value


def test_a_url_is_enough() -> None:
    request = read()
    assert (request.method, request.headers, request.body) == ("GET", {}, None)
    assert (request.redirect, request.timeout_seconds) == (Redirect.FOLLOW, None)


def test_a_method_is_written_in_capitals() -> None:
    assert read(method="delete").method == "DELETE"


@pytest.mark.parametrize(
    ("body", "sent", "content_type"),
    [
        ("text", b"text", "text/plain;charset=UTF-8"),
        ("", b"", "text/plain;charset=UTF-8"),
        ({"a": [1, "é"]}, '{"a":[1,"é"]}'.encode(), "application/json"),
        ([1], b"[1]", "application/json"),
        (0, b"0", "application/json"),
        (False, b"false", "application/json"),
        ("half \ud83d", "half \ufffd".encode(), "text/plain;charset=UTF-8"),
        ({"\udc00": "\ud83d\ude00"}, None, "application/json"),
    ],
)
def test_a_body_is_sent_as_what_it_is(body: Any, sent: bytes | None, content_type: str) -> None:
    request = read(method="POST", body=body)
    assert request.body is not None
    assert request.headers == {"content-type": content_type}
    if sent is not None:
        assert request.body == sent


def test_bytes_are_sent_as_they_are_and_with_no_type_of_ours() -> None:
    request = read(method="PUT", bodyBase64=base64.b64encode(b"\0\xff").decode())
    assert (request.body, request.headers) == (b"\0\xff", {})


def test_a_content_type_of_the_script_wins() -> None:
    request = read(method="POST", body={}, headers={"Content-Type": "application/ld+json"})
    assert request.headers == {"content-type": "application/ld+json"}


def test_a_query_holds_texts_numbers_booleans_and_lists() -> None:
    request = read(query={"a": "x y", "b": 1.5, "c": True, "d": ["1", 2], "e": None, "f": []})
    assert request.target.path == "/?a=x%20y&b=1.5&c=true&d=1&d=2"


@pytest.mark.parametrize(
    "options",
    [
        {"url": None},
        {"url": 1},
        {"url": ["https://api.example.com/"]},
        {"method": "TRACE"},
        {"method": "CONNECT"},
        {"method": "TRACK"},
        {"method": "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"},
        {"method": 1},
        {"method": "P0ST"},
        {"method": "po\u017ft"},
        {"headers": []},
        {"headers": "a: b"},
        {"headers": {"": "a"}},
        {"headers": {"a b": "c"}},
        {"headers": {"a:b": "c"}},
        {"headers": {"a\r\nb": "c"}},
        {"headers": {"é": "c"}},
        {"headers": {"a": 1}},
        {"headers": {"a": ["b"]}},
        {"headers": {"a": "b\r\nHost: evil.com"}},
        {"headers": {"a": "b\nc"}},
        {"headers": {"a": "b\rc"}},
        {"headers": {"a": "b\0c"}},
        {"headers": {"a": "b\u010ac"}},
        {"headers": {"a": "b\u560ac"}},
        {"headers": {"a": "1", "A": "2"}},
        {"query": "a=b"},
        {"query": {"a": {"b": "c"}}},
        {"query": {"a": [["b"]]}},
        {"body": "a", "method": "GET"},
        {"body": "a", "method": "HEAD"},
        {"body": "a", "bodyBase64": "YQ==", "method": "POST"},
        {"bodyBase64": "***", "method": "POST"},
        {"bodyBase64": "YQ", "method": "POST"},
        {"bodyBase64": "é", "method": "POST"},
        {"bodyBase64": 1, "method": "POST"},
        {"body": [float("nan")], "method": "POST"},
        {"body": NESTED, "method": "POST"},
        {"timeoutMs": 0},
        {"timeoutMs": -1},
        {"timeoutMs": float("nan")},
        {"timeoutMs": float("inf")},
        {"timeoutMs": 10**400},
        {"timeoutMs": True},
        {"timeoutMs": "5"},
        {"redirect": "always"},
        {"redirect": ["follow"]},
        {"responseType": "json"},
        {"proxy": "http://evil.com:3128"},
        {"verify": False},
        {"__proto__": {}},
    ],
)
def test_what_is_no_request_is_refused(options: dict[str, Any]) -> None:
    assert refuse(**options).code == "INVALID_REQUEST"


@pytest.mark.parametrize("arguments", [[], [None], ["https://a.b/"], [{}, {}], [[]], [{}]])
def test_what_are_no_arguments_are_refused(arguments: list[Any]) -> None:
    with pytest.raises(HostError) as caught:
        read_request("http.request", arguments, MOST)
    assert caught.value.code == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "host",
        "HOST",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Proxy-Authorization",
        "Proxy-Connection",
        "proxy-anything",
        "Accept-Encoding",
        "HTTP2-Settings",
    ],
)
def test_a_header_that_frames_or_routes_is_refused(name: str) -> None:
    assert refuse(headers={name: "x"}).code == "HEADER_NOT_ALLOWED"


@pytest.mark.parametrize(
    "options",
    [
        {"method": "POST", "body": "a" * (MOST + 1)},
        {"method": "POST", "body": {"a": "b" * MOST}},
        {"method": "POST", "bodyBase64": base64.b64encode(bytes(MOST + 1)).decode()},
        {"headers": {f"x-{n}": "a" for n in range(65)}},
        {"headers": {"x": "a" * 16384}},
    ],
)
def test_what_is_too_large_is_not_sent(options: dict[str, Any]) -> None:
    assert refuse(**options).code == "REQUEST_TOO_LARGE"


@pytest.mark.parametrize(
    ("method", "status", "following"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("DELETE", 303, "GET"),
    ],
)
def test_a_redirect_changes_the_method_as_fetch_does(method: str, status: int, following: str) -> None:
    request = read(method=method, body={"a": 1}, headers={"x-mine": "1", "content-language": "en"})
    found = redirect_request(request, status, parse_target("https://api.example.com/b"))
    assert found.method == following
    assert (found.body is None) == (following == "GET")
    assert found.headers.get("content-type") == (None if following == "GET" else "application/json")
    assert ("content-language" in found.headers) == (following != "GET")
    assert found.headers["x-mine"] == "1"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirected_head_stays_one(status: int) -> None:
    assert (
        redirect_request(read(method="HEAD"), status, parse_target("https://a.example.com/")).method == "HEAD"
    )


@pytest.mark.parametrize(
    ("url", "is_kept"),
    [
        ("https://api.example.com/b", True),
        ("https://api.example.com:443/b", True),
        ("https://API.example.com./b", True),
        ("http://api.example.com/b", False),
        ("https://api.example.com:8443/b", False),
        ("https://other.example.com/b", False),
        ("https://example.com/b", False),
    ],
)
def test_credentials_stay_with_their_origin(url: str, is_kept: bool) -> None:
    request = read(headers={"Authorization": "Bearer x", "COOKIE": "a=b", "X-Other": "c"})
    found = redirect_request(request, 302, parse_target(url))
    assert ("authorization" in found.headers, "cookie" in found.headers) == (is_kept, is_kept)
    assert found.headers["x-other"] == "c"


def test_credentials_do_not_come_back_on_the_way_home() -> None:
    request = read(headers={"Authorization": "Bearer x"})
    away = redirect_request(request, 302, parse_target("https://other.example.com/"))
    assert "authorization" not in redirect_request(away, 302, request.target).headers


URL = "https://api.example.com/"


@pytest.mark.parametrize(
    ("call", "arguments", "method", "body"),
    [
        ("http.get", [URL], "GET", None),
        ("http.get", [URL, None], "GET", None),
        ("http.get", [URL, {"headers": {}}], "GET", None),
        ("http.delete", [URL], "DELETE", None),
        ("http.delete", [URL, {"body": "x"}], "DELETE", b"x"),
        ("http.post", [URL], "POST", None),
        ("http.post", [URL, None, None], "POST", None),
        ("http.post", [URL, {"a": 1}], "POST", b'{"a":1}'),
        ("http.put", [URL, "text", {"timeoutMs": 5}], "PUT", b"text"),
        ("http.patch", [URL, None, {"bodyBase64": "YQ=="}], "PATCH", b"a"),
    ],
)
def test_a_short_form_says_method_and_place(
    call: str, arguments: list[Any], method: str, body: bytes | None
) -> None:
    request = read_request(call, arguments, MOST)
    assert (request.method, request.target.url, request.body) == (method, URL, body)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("http.get", []),
        ("http.get", [URL, "options"]),
        ("http.get", [URL, []]),
        ("http.get", [URL, {}, {}]),
        ("http.get", [URL, {"method": "POST"}]),
        ("http.get", [URL, {"url": URL}]),
        ("http.get", [{"url": URL}]),
        ("http.post", [URL, "a", {"body": "b"}]),
        ("http.post", [URL, "a", {"bodyBase64": "YQ=="}]),
        ("http.post", [URL, "a", {}, {}]),
        ("http.head", [URL]),
        ("storage.get", [URL]),
        ("", []),
    ],
)
def test_a_short_form_that_says_too_little_or_too_much_is_refused(call: str, arguments: list[Any]) -> None:
    with pytest.raises(HostError) as caught:
        read_request(call, arguments, MOST)
    assert caught.value.code == "INVALID_REQUEST"
