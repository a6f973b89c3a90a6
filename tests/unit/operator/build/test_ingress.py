from random import Random

import pytest

from scriptorium_api import names
from scriptorium_operator.build.ingress import build_ingress
from scriptorium_operator.decide import drift
from scriptorium_operator.decide.endpoint_places import find_place
from scriptorium_operator.facts import Manifest
from tests.unit.operator.fakes import make_endpoint

ENDPOINTS = [
    make_endpoint("a", path="/orders/{id}"),
    make_endpoint("b", path="/orders", methods=["POST"]),
    make_endpoint("c", path="/files/{path...}"),
    make_endpoint("d", path="/a/b"),
]


def build(*members: int) -> Manifest:
    place = find_place(ENDPOINTS[0], "")
    assert place
    return build_ingress(place, [ENDPOINTS[number] for number in members])


def test_an_ingress_is_plain_and_leads_the_prefixes_of_its_endpoints_to_the_pool() -> None:
    ingress = build(0, 1, 2, 3)
    backend = {"service": {"name": "scriptorium-runner-default", "port": {"name": "http"}}}
    assert ingress["spec"] == {
        "rules": [
            {
                "host": "shop.example.com",
                "http": {
                    "paths": [
                        {"path": path, "pathType": "Prefix", "backend": backend}
                        for path in ("/a/b", "/files", "/orders")
                    ]
                },
            }
        ]
    }
    assert ingress["metadata"]["annotations"].keys() == {names.APPLIED_HASH}
    assert ingress["metadata"]["labels"] == names.ingress_labels()


@pytest.mark.parametrize("path", ["/", "/{id}", "/{rest...}"])
def test_a_pattern_that_begins_with_a_parameter_takes_the_whole_host(path: str) -> None:
    endpoint = make_endpoint(path=path)
    place = find_place(endpoint, "")
    assert place
    (found,) = build_ingress(place, [endpoint])["spec"]["rules"][0]["http"]["paths"]
    assert found["path"] == "/"


def test_the_order_of_the_endpoints_does_not_matter() -> None:
    numbers = [0, 1, 2, 3]
    Random(7).shuffle(numbers)  # noqa: S311 - the same order every time.
    assert build(*numbers) == build(0, 1, 2, 3)


def test_all_own_it_and_none_controls_it_so_that_it_goes_with_the_last() -> None:
    owners = build(1, 0)["metadata"]["ownerReferences"]
    assert [(owner["kind"], owner["name"], owner["uid"]) for owner in owners] == [
        ("Endpoint", "a", "team-a"),
        ("Endpoint", "b", "team-b"),
    ]
    assert not any(owner.get("controller") for owner in owners)


def test_one_endpoint_more_or_less_is_a_difference_that_is_noticed() -> None:
    assert drift.lacks(build(0), build(0, 1))
    assert drift.lacks(build(0, 1), build(0))
    assert not drift.lacks(build(0, 1), build(1, 0))


def test_class_and_certificate_are_as_the_endpoint_says_or_else_the_chart() -> None:
    named = make_endpoint(ingressClassName="inner", tls={"secretName": "cert"})
    place = find_place(named, "public")
    assert place
    spec = build_ingress(place, [named])["spec"]
    assert spec["ingressClassName"] == "inner"
    assert spec["tls"] == [{"hosts": ["shop.example.com"], "secretName": "cert"}]
    other = find_place(make_endpoint(), "public")
    assert other
    assert build_ingress(other, [make_endpoint()])["spec"]["ingressClassName"] == "public"
    assert len({found.key for found in (place, other, find_place(make_endpoint(), "")) if found}) == 3
