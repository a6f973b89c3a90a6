"""The same verdicts as the operator's on what a ConfigMap holds."""

from typing import Any

import pytest

from scriptorium_api.script import ConfigMapKeyRef
from scriptorium_runner.sources.config_maps import pick_source

REFERENCE = ConfigMapKeyRef(name="code", key="main.js")


def test_the_source_is_the_text_under_the_key() -> None:
    assert pick_source({"data": {"main.js": "return 1"}}, REFERENCE).text == "return 1"


@pytest.mark.parametrize(
    ("config_map", "problem"),
    [
        (None, "the ConfigMap does not exist; create it"),
        ({}, "no such key under data; add it"),
        ({"data": None}, "no such key under data; add it"),
        ({"data": {"other.js": "1"}}, "no such key under data; add it"),
        ({"binaryData": {"main.js": "AA=="}}, "under binaryData; put it as UTF-8 text under data"),
        ({"data": {"main.js": ""}}, "must not be empty; put the JavaScript there"),
        ({"data": {"main.js": "a\0b"}}, "must not contain NUL characters; remove them"),
        ({"data": {"main.js": "ä" * 32769}}, "must be at most 65536 bytes; move what is larger"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place_and_its_cure(
    config_map: dict[str, Any] | None, problem: str
) -> None:
    source = pick_source(config_map, REFERENCE)
    assert source.text is None
    assert source.problem.startswith('the source in ConfigMap "code", key "main.js", cannot be used: ')
    assert problem in source.problem
