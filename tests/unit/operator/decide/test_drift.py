from typing import Any

import pytest

from scriptorium_operator.decide.drift import lacks, parse_quantity


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        ({"a": 1, "defaulted": True}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}),
        ([{"name": "x", "v": 1, "d": 0}], [{"name": "x", "v": 1}]),
        ([{"name": "injected"}, {"name": "x"}], [{"name": "x"}]),
        ([{"uid": "2"}, {"uid": "1", "name": "n"}], [{"uid": "1"}]),
        ([{"port": 53, "protocol": "UDP"}], [{"port": 53}]),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, {"limits": {"cpu": "1000m", "memory": "1024Mi"}}),
        ({"sizeLimit": "64Mi"}, {"sizeLimit": "65536Ki"}),
        ({"a": []}, {"a": []}),
        ({}, {"a": []}),
    ],
)
def test_what_the_api_server_and_others_add_is_no_drift(live: Any, desired: Any) -> None:
    assert not lacks(live, desired)


@pytest.mark.parametrize(
    ("live", "desired"),
    [
        ({}, {"a": 1}),
        ({}, {"a": {}}),
        ({"a": [1]}, {"a": []}),
        ({"a": 2}, {"a": 1}),
        ({"a": None}, {"a": {"b": 1}}),
        ({"a": "text"}, {"a": [1]}),
        ({"a": True}, {"a": False}),
        ([{"name": "x", "v": 2}], [{"name": "x", "v": 1}]),
        ([{"name": "y"}], [{"name": "x"}]),
        ([], [{"name": "x"}]),
        ([{"port": 53}, {"port": 80}], [{"port": 53}]),
        ([{"port": 54}], [{"port": 53}]),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "999m"}}),
        ({"limits": {}}, {"limits": {"cpu": "1"}}),
        ({"limits": {"cpu": "1e3"}}, {"limits": {"cpu": "1"}}),
        ({"label": "1000m"}, {"label": "1"}),
        ({"selector": {"app": "x", "no": "one"}}, {"selector": {"app": "x"}}),
        (
            {"podSelector": {"matchLabels": {"a": "1", "b": "2"}}},
            {"podSelector": {"matchLabels": {"a": "1"}}},
        ),
        ({"subjects": [{"name": "x"}, {"name": "y"}]}, {"subjects": [{"name": "x"}]}),
    ],
)
def test_what_is_missing_or_different_is_drift(live: Any, desired: Any) -> None:
    assert lacks(live, desired)


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("1.5", 1.5), ("1Ki", 1024), ("2M", 2_000_000), ("1Gi", 1024**3)]
)
def test_a_quantity_is_the_number_it_stands_for(text: str, number: float) -> None:
    assert parse_quantity(text) == number


def test_other_notations_are_not_guessed_at() -> None:
    assert parse_quantity("1e3") is None
