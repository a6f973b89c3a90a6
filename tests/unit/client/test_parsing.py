import json

import pytest

from scriptorium_client import parsing


def deep(levels: int) -> bytes:
    return b'{"a": "[{\\"", "b": ' + b'{"x": [' * levels + b"1" + b"]}" * levels + b', "c": 2}'


def test_ordinary_json_is_read_as_it_is() -> None:
    assert parsing.parse(b'{"a": [1, {"b": "}]\\\\"}]}') == {"a": [1, {"b": "}]\\"}]}


@pytest.mark.parametrize("levels", [600, 5000])
def test_what_is_nested_too_deeply_is_cut_and_the_rest_is_read(levels: int) -> None:
    found = parsing.parse(deep(levels))
    assert (found["a"], found["c"]) == ('[{"', 2)
    assert json.dumps(found["b"]).count("[") <= parsing.DEEPEST
