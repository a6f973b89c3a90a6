"""The model against the table; tests/integration/api runs the same table through the API server."""

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scriptorium_api.endpoints import paths
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.paths import find_path_problem, parse_pattern
from tests.support.endpoint_manifests import BAD, GOOD, endpoint


def say(error: ValidationError) -> str:
    """Give what is wrong in one text, with places as the API server writes them."""
    lines = [f"{_write_place(each['loc'])}: {each['msg']}" for each in error.errors()]
    return "\n".join(lines)


def _write_place(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)[1:]


@pytest.mark.parametrize("name", GOOD)
def test_the_model_takes(name: str) -> None:
    taken = Endpoint.from_wire(copy.deepcopy(GOOD[name]))
    assert Endpoint.from_wire(taken.to_wire()) == taken


@pytest.mark.parametrize("name", BAD)
def test_the_model_refuses(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Endpoint.from_wire(copy.deepcopy(BAD[name].manifest))
    assert BAD[name].words in say(caught.value), say(caught.value)


def test_what_is_left_out_has_the_defaults_that_the_reference_says() -> None:
    spec = Endpoint.from_wire(endpoint()).spec
    assert [method.value for method in spec.methods] == ["GET"]
    assert (spec.max_body_kb, spec.max_response_kb, spec.mode) == (1024, 1024, "Request")
    assert (spec.suspend, spec.debug, spec.cors, spec.rate_limit, spec.concurrency) == (
        *(False, False),
        *(None, None, None),
    )


@pytest.mark.parametrize(
    ("path", "identity", "prefix"),
    [
        ("/", "/", "/"),
        ("/orders", "/orders", "/orders"),
        ("/orders/{id}", "/orders/{}", "/orders"),
        ("/orders/{id}/lines/{line}", "/orders/{}/lines/{}", "/orders"),
        ("/a/b/{rest...}", "/a/b/{...}", "/a/b"),
        ("/{a}", "/{}", "/"),
        ("/{a...}", "/{...}", "/"),
    ],
)
def test_a_pattern_has_an_identity_and_a_literal_prefix(path: str, identity: str, prefix: str) -> None:
    pattern = parse_pattern(path)
    assert (pattern.identity, pattern.literal_prefix) == (identity, prefix)


def find_rule_problems(path: str) -> set[str]:
    """Judge as the rules of the schema do, in their order and with their means."""
    last_brace = path.rfind("{")
    wildcard = re.search(r"[{][^/{]*[.]{3}[}]\Z", path)
    is_named_once = all(
        not each.startswith("{") or path.find(each) == path.rfind(each) for each in path.split("/")
    ) and (not wildcard or path.find(path[last_brace:-4] + "}") == -1)
    judged = {
        paths.IS_NONE: len(path) <= paths.MAX_PATH and re.search(paths.SHAPE.replace("$", r"\Z"), path),
        paths.HAS_DOTS: not re.search(r"(^|/)[.][.]?(/|\Z)", path),
        paths.IS_DEEP: re.search(rf"^(/[^/]*){{0,{paths.MAX_SEGMENTS}}}\Z", path),
        paths.NAMES_TWICE: is_named_once,
    }
    return {message for message, is_kept in judged.items() if not is_kept}


SEGMENTS = st.sampled_from(
    [
        "a",
        "b.c",
        ".",
        "..",
        "...",
        "{a}",
        "{b}",
        "{ab}",
        "{a...}",
        "{b...}",
        "",
        "{",
        "}",
        "{a..}",
        "a{b}",
        "é",
        "%20",
    ]
)


@given(
    st.lists(SEGMENTS, max_size=6).map(lambda parts: "/" + "/".join(parts)) | st.text("/{}.ab\n", max_size=12)
)
def test_what_the_api_server_stores_the_model_reads(path: str) -> None:
    broken, problem = find_rule_problems(path), find_path_problem(path)
    assert bool(broken) is (problem is not None)
    assert problem is None or problem in broken


@given(st.lists(st.integers(0, 9), min_size=28, max_size=38))
def test_segments_are_counted_alike(numbers: list[int]) -> None:
    path = "/" + "/".join(map(str, numbers))
    assert (paths.IS_DEEP in find_rule_problems(path)) is (find_path_problem(path) == paths.IS_DEEP)


def test_no_message_names_what_is_not_in_a_manifest() -> None:
    texts: list[Any] = []
    for bad in BAD.values():
        with pytest.raises(ValidationError) as caught:
            Endpoint.from_wire(copy.deepcopy(bad.manifest))
        texts += [step for each in caught.value.errors() for step in each["loc"] if isinstance(step, str)]
    assert not [step for step in texts if "_" in step]
