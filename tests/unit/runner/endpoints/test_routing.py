import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_runner.endpoints.routing import NoMethod, NoPath, Route, Router
from tests.support.endpoints import make_endpoint


def route(paths: Iterable[str], *segments: str, method: str = "GET") -> tuple[str, dict[str, str]] | None:
    """Give the path of the Endpoint that answers, and its parameters; None without one."""
    router = Router.build(make_endpoint(f"e{number}", path) for number, path in enumerate(paths))
    found = router.find("", segments, method)
    return (found.endpoint.spec.path, dict(found.params)) if isinstance(found, Route) else None


@pytest.mark.parametrize(
    ("path", "segments", "params"),
    [
        ("/", (), {}),
        ("/", ("",), None),
        ("/", ("a",), None),
        ("/orders", ("orders",), {}),
        ("/orders", ("orders", ""), None),
        ("/orders", ("Orders",), None),
        ("/orders", (), None),
        ("/orders/{id}", ("orders", "17"), {"id": "17"}),
        ("/orders/{id}", ("orders", "a b/é"), {"id": "a b/é"}),
        ("/orders/{id}", ("orders", ""), None),
        ("/orders/{id}", ("orders",), None),
        ("/orders/{id}", ("orders", "17", "lines"), None),
        ("/{a}/{b}", ("x", "y"), {"a": "x", "b": "y"}),
        ("/files/{path...}", ("files", "a"), {"path": "a"}),
        ("/files/{path...}", ("files", "a", "b", "c"), {"path": "a/b/c"}),
        ("/files/{path...}", ("files", "a", ""), {"path": "a/"}),
        ("/files/{path...}", ("files", ""), {"path": ""}),
        ("/files/{path...}", ("files",), None),
        ("/{path...}", (), {"path": ""}),
        ("/{path...}", ("a", "b"), {"path": "a/b"}),
        ("/{a}/{rest...}", ("x", ""), {"a": "x", "rest": ""}),
        ("/{a}/{rest...}", ("x",), None),
    ],
)
def test_a_pattern_matches(path: str, segments: tuple[str, ...], params: dict[str, str] | None) -> None:
    assert route([path], *segments) == (None if params is None else (path, params))


@pytest.mark.parametrize(
    ("paths", "segments", "winner"),
    [
        (["/{a}", "/orders", "/{a...}"], ("orders",), "/orders"),
        (["/{a...}", "/{a}"], ("orders",), "/{a}"),
        (["/", "/{a...}"], (), "/"),
        (["/a/{x}/c", "/{x}/b/c"], ("a", "b", "c"), "/a/{x}/c"),
        (["/a/{x...}", "/{x}/b/c"], ("a", "b", "c"), "/a/{x...}"),
        (["/a/{x}", "/a/b/{y...}"], ("a", "b"), "/a/{x}"),
        (["/a/{x}", "/{y...}"], ("a", "b", "c"), "/{y...}"),
        (["/a/b/c", "/a/{x}/d"], ("a", "b", "d"), "/a/{x}/d"),
        (["/{x}/{y}", "/{x}/{y...}"], ("a", "b"), "/{x}/{y}"),
        (["/{x}/{y...}", "/{x...}"], ("a", "b"), "/{x}/{y...}"),
    ],
)
def test_the_most_specific_pattern_answers(paths: list[str], segments: tuple[str, ...], winner: str) -> None:
    for order in (paths, paths[::-1]):
        found = route(order, *segments)
        assert found is not None
        assert found[0] == winner


def test_the_most_specific_pattern_that_has_the_method_answers() -> None:
    router = Router.build(
        [
            make_endpoint("one", "/orders/17", methods=["POST"]),
            make_endpoint("some", "/orders/{id}", methods=["PUT"]),
            make_endpoint("all", "/{rest...}", methods=["GET", "PUT"]),
        ]
    )
    segments = ("orders", "17")
    answers = {method: router.find("", segments, method) for method in ("POST", "PUT", "GET", "HEAD")}
    names = {method: found.endpoint.metadata.name for method, found in answers.items()}
    assert names == {"POST": "one", "PUT": "some", "GET": "all", "HEAD": "all"}
    assert router.find("", segments, "DELETE") == NoMethod(("GET", "HEAD", "OPTIONS", "POST", "PUT"))
    assert router.find("", segments, "OPTIONS") == NoMethod(("GET", "HEAD", "OPTIONS", "POST", "PUT"))


def test_head_comes_with_get_alone() -> None:
    router = Router.build([make_endpoint(methods=["POST"])])
    assert router.find("", ("orders",), "HEAD") == NoMethod(("OPTIONS", "POST"))


@pytest.mark.parametrize("method", ["get", "PURGE", "CONNECT", ""])
def test_what_is_no_method_of_an_endpoint_is_nobodys(method: str) -> None:
    router = Router.build([make_endpoint()])
    assert router.find("", ("orders",), method) == NoMethod(("GET", "HEAD", "OPTIONS"))


def name_of(router: Router, host: str, path: str = "orders") -> str | None:
    found = router.find(host, (path,), "GET")
    return found.endpoint.metadata.name if isinstance(found, Route) else None


def test_a_host_is_answered_by_those_that_name_it_and_any_other_by_those_without_one() -> None:
    router = Router.build(
        [make_endpoint("inside"), make_endpoint("shop", host="shop.example.com"), make_endpoint("b", "/b")]
    )
    assert name_of(router, "shop.example.com") == "shop"
    assert name_of(router, "shop.example.com", "b") is None
    assert name_of(router, "scriptorium-runner-default.team.svc") == "inside"
    assert name_of(router, "www.shop.example.com") == "inside"
    assert name_of(router, "") == "inside"


def test_the_hosts_can_be_ignored_but_for_those_that_are_named() -> None:
    endpoints = [
        make_endpoint("inside", "/a"),
        make_endpoint("shop", "/b", host="shop.example.com"),
        make_endpoint("older", "/b", host="old.example.com", age=1),
    ]
    router = Router.build(endpoints, ignore_hosts=True)
    assert name_of(router, "127.0.0.1", "a") == "inside"
    assert name_of(router, "127.0.0.1", "b") == "older"
    assert name_of(router, "shop.example.com", "b") == "shop"
    assert name_of(router, "shop.example.com", "a") is None


def test_of_two_that_ask_for_the_same_the_older_has_it() -> None:
    old = make_endpoint("old", "/orders/{id}", methods=["GET", "PUT"], age=5)
    new = make_endpoint("new", "/orders/{number}", methods=["PUT", "POST"])
    for order in ([old, new], [new, old]):
        router = Router.build(order)
        segments = ("orders", "17")
        assert router.find("", segments, "PUT") == Route(old, {"id": "17"})
        assert router.find("", segments, "POST") == Route(new, {"number": "17"})


def test_of_two_of_one_age_the_uid_decides() -> None:
    a, b = make_endpoint("a"), make_endpoint("b")
    assert name_of(Router.build([b, a]), "") == "a"


def test_a_suspended_endpoint_is_as_if_it_were_not_there() -> None:
    paused = make_endpoint("paused", suspend=True)
    assert Router.build([paused]).find("", ("orders",), "GET") == NoPath()
    other = make_endpoint("other", "/{rest...}")
    assert name_of(Router.build([paused, other]), "") == "other"


def test_a_suspended_endpoint_keeps_from_others_what_it_has() -> None:
    paused = make_endpoint("paused", suspend=True, age=5)
    assert Router.build([paused, make_endpoint("later")]).find("", ("orders",), "GET") == NoPath()
    outside = make_endpoint("outside", suspend=True, host="shop.example.com")
    assert name_of(Router.build([outside, make_endpoint("inside")]), "shop.example.com") is None


def test_without_endpoints_nothing_is_found() -> None:
    assert Router.build([]).find("", (), "GET") == NoPath()


def test_a_path_of_any_depth_is_looked_up() -> None:
    router = Router.build([make_endpoint("a", "/{rest...}"), make_endpoint("b", "/a" * 32)])
    found = router.find("", ("a",) * 10_000, "GET")
    assert isinstance(found, Route)
    assert found.endpoint.metadata.name == "a"


# The grammar once more, in other words: a pattern is a regular expression over the joined segments, and
# specificity is compared sign by sign.

LITERALS = ["a", "b", "c.d"]
PATTERN_SEGMENTS = st.sampled_from([*LITERALS, "{}"])
PATTERNS = st.tuples(st.lists(PATTERN_SEGMENTS, max_size=4), st.booleans()).map(
    lambda drawn: "/" + "/".join([*_named(drawn[0]), *(["{rest...}"] if drawn[1] else [])])
)
METHODS = st.lists(st.sampled_from(["GET", "POST", "PUT"]), min_size=1, max_size=3, unique=True)
INNER = st.sampled_from([*LITERALS, "x", "é y"])
REQUESTS = st.tuples(st.lists(INNER, max_size=5), st.booleans()).map(
    lambda drawn: (*drawn[0], "") if drawn[0] and drawn[1] else tuple(drawn[0])
)


def _named(segments: list[str]) -> list[str]:
    return [f"{{p{place}}}" if each == "{}" else each for place, each in enumerate(segments)]


def to_expression(path: str) -> str:
    if path == "/":
        return "/"
    signs = {"{rest...}": "(?P<rest>.*)"}
    parts = [
        signs.get(each) or (f"(?P<{each[1:-1]}>[^/]+)" if each.startswith("{") else re.escape(each))
        for each in path[1:].split("/")
    ]
    return "/" + "/".join(parts)


def to_signs(path: str) -> str:
    """Give a text for each pattern that sorts as specificity does: nothing, then 0, 1 and 2."""
    kinds = [("2" if "..." in each else "1") if "{" in each else "0" for each in path[1:].split("/") if each]
    return "".join(kinds)


def look_up(endpoints: list[Endpoint], segments: tuple[str, ...], method: str) -> object:
    text = "/" + "/".join(segments)
    matching = [
        (to_signs(each.spec.path), number, each, found.groupdict())
        for number, each in enumerate(endpoints)
        if (found := re.fullmatch(to_expression(each.spec.path), text, re.DOTALL))
    ]
    fit = [each for each in matching if ("GET" if method == "HEAD" else method) in each[2].spec.methods]
    if fit:
        _, _, endpoint, params = min(fit, key=lambda each: each[:2])
        return Route(endpoint, params)
    known = {str(known) for each in matching for known in each[2].spec.methods}
    if not known:
        return NoPath()
    return NoMethod(tuple(sorted(known | {"OPTIONS"} | ({"HEAD"} if "GET" in known else set()))))


@settings(max_examples=400)
@given(
    st.lists(st.tuples(PATTERNS, METHODS), max_size=8),
    st.lists(REQUESTS, min_size=1, max_size=4),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]),
)
def test_what_is_found_is_what_the_grammar_says(
    given_paths: list[tuple[str, list[str]]], requests: list[tuple[str, ...]], method: str
) -> None:
    oldest_first = [
        make_endpoint(f"e{number}", path, methods=methods, age=100 - number)
        for number, (path, methods) in enumerate(given_paths)
    ]
    router = Router.build(reversed(oldest_first))
    for segments in requests:
        assert router.find("", segments, method) == look_up(oldest_first, segments, method)
