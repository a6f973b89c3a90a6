from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptorium_api.endpoints.conflicts import Conflict, find_winner, judge, share_out
from scriptorium_api.endpoints.endpoint import Endpoint
from tests.support.endpoints import make_endpoint

HOST = "shop.example.com"


def judge_by_name(*endpoints: Endpoint) -> dict[str, Conflict | None]:
    """Give what is said of each, the same in whatever order they are asked about."""
    names = {each.metadata.uid: each.metadata.name for each in endpoints}
    said = [
        {names[uid]: conflict for uid, conflict in judge(order).items()} for order in permutations(endpoints)
    ]
    assert all(each == said[0] for each in said)
    return said[0]


def test_the_older_wins_and_the_other_is_told_with_whom() -> None:
    old, new = make_endpoint("old", host=HOST, age=1), make_endpoint("new", host=HOST)
    assert judge_by_name(old, new) == {"old": None, "new": Conflict(("GET",), "old")}


def test_of_one_age_the_uid_decides() -> None:
    a, b = make_endpoint("a"), make_endpoint("b")
    assert find_winner([b, a]) is a
    assert judge_by_name(a, b) == {"a": None, "b": Conflict(("GET",), "a")}


@pytest.mark.parametrize(
    ("one", "other", "lost"),
    [
        ({"path": "/a/{id}"}, {"path": "/a/{number}"}, ("GET",)),
        ({"path": "/a/{x...}"}, {"path": "/a/{y...}"}, ("GET",)),
        ({"path": "/a/{id}"}, {"path": "/a/{id...}"}, ()),
        ({"path": "/a/{id}"}, {"path": "/a/b"}, ()),
        ({"path": "/a"}, {"path": "/A"}, ()),
        ({"methods": ["GET", "POST"]}, {"methods": ["POST", "GET", "PUT"]}, ("POST", "GET")),
        ({"methods": ["GET"]}, {"methods": ["POST"]}, ()),
        ({"host": HOST}, {"host": "api.example.com"}, ()),
        ({"host": HOST}, {}, ()),
        ({}, {}, ("GET",)),
        ({"host": HOST, "ingressClassName": "a"}, {"host": HOST, "ingressClassName": "b"}, ("GET",)),
        ({"suspend": True}, {}, ("GET",)),
    ],
)
def test_only_the_same_host_and_paths_with_a_common_method_conflict(
    one: dict[str, str], other: dict[str, str], lost: tuple[str, ...]
) -> None:
    said = judge_by_name(make_endpoint("old", age=1, **one), make_endpoint("new", **other))
    assert said == {"old": None, "new": Conflict(lost, "old") if lost else None}


def test_a_host_is_of_the_namespace_of_its_oldest_endpoint() -> None:
    first = make_endpoint("first", "/a", host=HOST, age=9)
    taken = make_endpoint("taken", "/b", namespace="other", host=HOST, methods=["GET", "PUT"], age=8)
    second = make_endpoint("second", "/b", host=HOST)
    assert judge_by_name(first, taken, second) == {
        "first": None,
        "taken": Conflict(("GET", "PUT"), None),
        "second": None,
    }


def test_no_name_of_another_namespace_is_told() -> None:
    ours = make_endpoint("ours", host=HOST, age=1)
    theirs = make_endpoint("theirs", namespace="other", host=HOST)
    assert judge_by_name(ours, theirs)["theirs"] == Conflict(("GET",), None)


def test_without_a_host_namespaces_do_not_meet() -> None:
    assert judge_by_name(make_endpoint("a", age=1), make_endpoint("b", namespace="other")) == {
        "a": None,
        "b": None,
    }


def test_the_next_takes_over_when_the_first_is_gone() -> None:
    second = make_endpoint("second", namespace="other", host=HOST, age=1)
    third = make_endpoint("third", host=HOST)
    assert judge_by_name(second, third) == {"second": None, "third": Conflict(("GET",), None)}


def test_who_loses_one_method_has_the_others_still() -> None:
    first = make_endpoint("first", methods=["GET"], age=3)
    second = make_endpoint("second", methods=["GET", "POST"], age=2)
    third = make_endpoint("third", methods=["POST", "GET", "PUT"], age=1)
    assert judge_by_name(first, second, third) == {
        "first": None,
        "second": Conflict(("GET",), "first"),
        "third": Conflict(("POST", "GET"), "first"),
    }
    shared = {claim.method: owner.metadata.name for claim, owner in share_out([third, second, first]).items()}
    assert shared == {"GET": "first", "POST": "second", "PUT": "third"}


def test_who_asks_for_nothing_new_is_told_of_the_one_that_has_it() -> None:
    first = make_endpoint("first", methods=["GET"], age=3)
    second = make_endpoint("second", methods=["GET", "POST"], age=2)
    third = make_endpoint("third", methods=["POST"], age=1)
    assert judge_by_name(first, second, third)["third"] == Conflict(("POST",), "second")


ENDPOINTS = st.lists(
    st.builds(
        make_endpoint,
        st.sampled_from(["a", "b", "c", "d", "e"]),
        st.sampled_from(["/a", "/{x}", "/{y}", "/{rest...}"]),
        namespace=st.sampled_from(["team", "other"]),
        age=st.integers(0, 3),
        host=st.sampled_from([HOST, "api.example.com"]),
        methods=st.lists(st.sampled_from(["GET", "POST", "PUT"]), min_size=1, max_size=3, unique=True),
    ),
    max_size=8,
    unique_by=lambda each: each.metadata.uid,
)


@given(ENDPOINTS)
def test_everything_asked_for_is_had_by_one_and_lost_by_the_others(endpoints: list[Endpoint]) -> None:
    owners, conflicts = share_out(endpoints), judge(endpoints)
    for each in endpoints:
        had = {claim.method for claim, owner in owners.items() if owner is each}
        conflict = conflicts[each.metadata.uid]
        lost = set(conflict.methods) if conflict else set()
        assert had | lost == set(each.spec.methods)
        assert not had & lost
    assert len({(claim.host, claim.path, claim.method) for claim in owners}) == len(owners)
