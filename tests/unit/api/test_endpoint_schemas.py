import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptorium_api.endpoints.schemas import MAX_BODY_LEVELS, compile_schema, find_schema_problem

Schema = dict[str, Any]


def chain(length: int, branches: int = 1) -> Schema:
    """Give a schema whose parts lead to each other at one value."""
    parts: Schema = {
        f"a{number}": {"anyOf": [{"$ref": f"#/$defs/a{number + 1}"}] * branches} for number in range(length)
    }
    return {"$ref": "#/$defs/a0", "$defs": parts | {f"a{length}": {"type": "string"}}}


def nested(levels: int) -> Schema:
    schema: Schema = {}
    for _ in range(levels - 1):
        schema = {"not": schema}
    return schema


def unevaluated(levels: int) -> Schema:
    """Give a schema that asks at each level what the levels below have not looked at."""
    schema: Schema = {}
    for _ in range(levels):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    return schema


TREE: Schema = {
    "type": "object",
    "required": ["value"],
    "properties": {"value": {"type": "number"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}},
}
LISTS: Schema = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#"}}]}

GOOD: dict[str, Schema] = {
    "nothing": {},
    "an order": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://shop.example.com/order",
        "type": "object",
        "required": ["items"],
        "additionalProperties": False,
        "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/item"}}},
        "$defs": {
            "item": {"type": "object", "properties": {"sku": {"type": "string", "pattern": "^[A-Z]+$"}}}
        },
    },
    "an older draft": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"a": {"type": "string"}},
        "items": [{"$ref": "#/definitions/a"}, True],
        "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
    },
    "a binary tree": TREE,
    "lists of lists": LISTS,
    "many properties": {"properties": {f"p{number}": {"type": "string"} for number in range(1000)}},
    "a reference with escapes": {"$ref": "#/$defs/a~1b~0c", "$defs": {"a/b~c": {}}},
    "a reference into a list": {"allOf": [{"type": "string"}], "properties": {"a": {"$ref": "#/allOf/0"}}},
    "data that looks like a reference": {"const": {"$ref": "http://example.com"}, "examples": [{"$id": 1}]},
    "a property called $ref": {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}},
    "formats": {
        "properties": {each: {"format": each} for each in ("date-time", "email", "uuid", "uri", "ipv4")}
    },
    "patterns": {"properties": {"a": {"pattern": r"^\w{1,64}$"}, "b": {"pattern": r"^\p{Lu}+[^\s@]*\d?$"}}},
    "what is unevaluated": unevaluated(8),
    "as deep as can be": nested(64),
    "as long a chain as can be": chain(48),
}

BAD: dict[str, tuple[Schema, str]] = {
    "no type": ({"type": "nonsense"}, "at /type: 'nonsense'"),
    "no properties": ({"properties": {"a": 1}}, "at /properties/a"),
    "another draft": ({"$schema": "http://json-schema.org/draft-04/schema#"}, r"\$schema must be https://"),
    "a draft that is a list": ({"$schema": ["a"]}, r"\$schema must be https://"),
    "a reference to elsewhere": ({"$ref": "https://example.com/a.json"}, "must stay within the schema"),
    "a reference to a file": ({"items": {"$ref": "file:///etc/passwd"}}, "must stay within the schema"),
    "a reference to the standard": (
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        "must stay within the schema",
    ),
    "a reference to a neighbour": ({"not": {"$ref": "other.json#/a"}}, "must stay within the schema"),
    "a reference to a name": ({"$ref": "#a"}, "must stay within the schema"),
    "a reference that is a number": ({"$ref": 1}, "must stay within the schema"),
    "a reference to nothing": ({"$ref": "#/$defs/a"}, "leads nowhere"),
    "a reference to nothing in a list": ({"$ref": "#/allOf/7", "allOf": [{}]}, "leads nowhere"),
    "a reference that goes elsewhere from an $id": (
        {"items": {"$id": "https://example.com/"}},
        r"\$id but at",
    ),
    "a reference that is found while checking": ({"$dynamicRef": "#a"}, r"not have \$dynamicRef"),
    "a reference to itself": ({"$ref": "#"}, "leads back to itself"),
    "a reference to itself by a branch": ({"anyOf": [{"not": {"$ref": "#"}}]}, "leads back to itself"),
    "a reference to itself by a detour": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        "leads back to itself",
    ),
    "an unknown format": ({"format": "nonsense"}, "Unknown format"),
    "no pattern": ({"pattern": "("}, "the pattern has look-around.* or is none"),
    "look-ahead": ({"pattern": "(?=a)b"}, "look-around"),
    "a back reference": ({"patternProperties": {r"(a)\1": {}}}, "look-around"),
    "a pattern that is large when compiled": ({"pattern": "(a{1000}){1000}"}, "large repetition"),
    "a long pattern": ({"pattern": "a" * 513}, "at most 512 characters"),
    "many patterns": ({"properties": {str(n): {"pattern": "a"} for n in range(65)}}, "at most 64 patterns"),
    "a large schema": ({"const": "a" * 65536}, "at most 65536 bytes"),
    "a deep schema": (nested(65), "at most 64 levels deep"),
    "a very deep schema": (nested(100_000), "at most 64 levels deep"),
    "a long chain": (chain(60), "through more than 100 parts"),
    "branches that multiply": (chain(20, branches=2), "parts that look at one value"),
    "branches that multiply with the depth of the body": (
        {"anyOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}]},
        "parts that look at one value",
    ),
    "rules for all properties that multiply": (
        {"patternProperties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}},
        "parts that look at one value",
    ),
    "what is unevaluated doubles": (unevaluated(15), "parts that look at one value"),
    "what is unevaluated multiplies": (
        {"unevaluatedProperties": {"$ref": "#"}, "propertyNames": {}, "items": {"$ref": "#"}},
        "parts that look at one value",
    ),
    "many values at each level": (
        {"enum": list(range(60)), "items": {"$ref": "#"}},
        "parts that look at one",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_schema_is_taken(name: str) -> None:
    assert find_schema_problem(GOOD[name]) is None


@pytest.mark.parametrize("name", BAD)
def test_a_schema_is_refused_with_the_cure(name: str) -> None:
    schema, words = BAD[name]
    problem = find_schema_problem(schema)
    assert problem is not None
    assert re.search(words, problem), problem
    assert len(problem) < 1000


def test_the_deepest_body_is_checked() -> None:
    body: Any = "leaf"
    for _ in range(MAX_BODY_LEVELS):
        body = [body]
    assert compile_schema(LISTS).is_valid(body)


def test_a_tree_is_checked_at_every_level() -> None:
    check = compile_schema(TREE)
    assert check.is_valid({"value": 1, "left": {"value": 2, "right": {"value": 3}}})
    assert not check.is_valid({"value": 1, "left": {"value": 2, "right": {"value": "3"}}})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(.*a){20}b", "^([a-z]+)*[0-9]$"])
def test_a_pattern_that_others_take_years_for_is_matched(pattern: str) -> None:
    # A machine that goes back and tries again would try 2^40 ways.
    assert not compile_schema({"pattern": pattern}).is_valid("a" * 40 + "!")


def test_the_library_is_loaded_with_the_first_schema_only() -> None:
    code = (
        "import sys; import scriptorium_api.endpoints.schemas as s, scriptorium_api.endpoints.endpoint;"
        "assert 'jsonschema_rs' not in sys.modules; s.find_schema_problem({});"
        "assert 'jsonschema_rs' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["a", "#", "#/a", "string", "(", "http://x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "$ref",
                    "$id",
                    "type",
                    "items",
                    "not",
                    "anyOf",
                    "properties",
                    "pattern",
                    "enum",
                    "a",
                    "$defs",
                    "format",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    st.dictionaries(st.sampled_from(["$ref", "items", "not", "anyOf", "properties", "a", "$defs"]), VALUES)
)
def test_any_json_is_taken_or_refused_in_words(schema: Schema) -> None:
    problem = find_schema_problem(schema)
    if problem is None:
        assert compile_schema(schema).is_valid([1, {"a": "a"}]) in (True, False)
