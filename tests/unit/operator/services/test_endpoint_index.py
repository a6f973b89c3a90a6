"""Who is concerned by a change of an Endpoint: all who may win or lose by it, and few others."""

import random

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_operator.decide.endpoint_places import find_place
from scriptorium_operator.decide.endpoint_standings import judge
from scriptorium_operator.endpoint_facts import Standing
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services.endpoint_index import EndpointIndex
from tests.unit.operator.fakes import make_endpoint


def key_of(endpoint: Endpoint) -> Key:
    return Key(Kind.ENDPOINT, endpoint.metadata.namespace, endpoint.metadata.name)


def note(index: EndpointIndex, endpoint: Endpoint) -> set[Key]:
    place = find_place(endpoint, "")
    return index.note(key_of(endpoint), endpoint, place.key if place else None)


def judge_all(known: dict[Key, Endpoint]) -> dict[Key, Standing]:
    standings = judge(known.values(), ())
    return {key: standings[endpoint.metadata.uid] for key, endpoint in known.items()}


def draw_endpoint(draw: random.Random, number: int) -> Endpoint:
    return make_endpoint(
        draw.choice("abcd"),
        draw.choice(("team", "other")),
        minutes=draw.randrange(9),
        uid=f"u{number}",
        host=draw.choice(("a.example.com", "b.example.com", None)),
        path=draw.choice(("/x", "/x/{id}", "/x/{key}", "/y")),
        methods=draw.sample(["GET", "POST", "PUT"], draw.randint(1, 2)),
    )


def test_after_any_changes_all_whose_standing_is_another_were_named() -> None:
    draw = random.Random(7)  # noqa: S311 - the same changes every time.
    index, known = EndpointIndex(), dict[Key, Endpoint]()
    for number in range(2000):
        endpoint = draw_endpoint(draw, number)
        key, before = key_of(endpoint), judge_all(known)
        if draw.random() < 0.3:
            known.pop(key, None)
            concerned = index.forget(key)
        else:
            known[key] = endpoint
            concerned = note(index, endpoint)
        after = judge_all(known)
        changed = {each for each in after if each in before and before[each] != after[each]}
        assert changed <= concerned | {key}
        for each in known.values():
            rivals = {key_of(rival) for rival in index.list_rivals(each)}
            host, namespace = each.spec.host, each.metadata.namespace
            assert rivals == {
                other
                for other, rival in known.items()
                if rival.spec.host == host and (host is not None or other.namespace == namespace)
            }


def test_an_endpoint_that_leaves_an_ingress_has_that_looked_at() -> None:
    index, before = EndpointIndex(), make_endpoint()
    note(index, before)
    place = find_place(before, "")
    assert place
    assert index.list_members(place.key) == [key_of(before)]
    assert place.key in note(index, make_endpoint(host="other.example.com"))
    assert index.list_members(place.key) == []
    assert key_of(before) in index.list_all()


def test_what_follows_from_a_host_is_made_once_until_one_of_its_endpoints_changes() -> None:
    index, made = EndpointIndex(), list[int]()

    def derive() -> int:
        return index.derive(shop, "number", lambda: made.append(1) or len(made))

    shop, elsewhere = make_endpoint(), make_endpoint("elsewhere", host="other.example.com")
    note(index, shop)
    assert [derive(), derive()] == [1, 1]
    note(index, elsewhere)
    note(index, make_endpoint(debug=True))
    assert derive() == 1
    note(index, make_endpoint("b", path="/b"))
    assert derive() == 2
    index.forget(Key(Kind.ENDPOINT, "team", "b"))
    assert derive() == 3


def test_what_changes_nothing_for_others_concerns_nobody() -> None:
    index = EndpointIndex()
    for number in range(9):
        note(index, make_endpoint(f"n{number}", path=f"/{number}"))
    assert note(index, make_endpoint("n3", path="/3", suspend=True)) == set()
    assert note(index, make_endpoint("n9", path="/9")) == {Key(Kind.ENDPOINT, "team", "n9")}
