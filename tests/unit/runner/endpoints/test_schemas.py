import json
from typing import Any

import pytest

from scriptorium_api.endpoints.schemas import BadSchema
from scriptorium_api.endpoints.traffic import RequestSchema
from scriptorium_runner.endpoints.schemas import (
    MAX_EXPLAINED,
    SchemaSet,
    find_body_problem,
    find_query_problem,
)

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["items"],
    "additionalProperties": False,
    "properties": {
        "email": {"type": "string", "format": "email"},
        "note": {"type": "string", "maxLength": 5},
        "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "a/b~c": {"type": "string"},
    },
}
PAGE = {
    "properties": {
        "page": {"type": "string", "pattern": "^[0-9]+$"},
        "tag": {"type": "array", "maxItems": 2},
    },
    "additionalProperties": False,
}


def make_schemas(body: dict[str, Any] | None = None, query: dict[str, Any] | None = None) -> SchemaSet:
    return SchemaSet.build(RequestSchema(body=body, query=query))


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ({"items": []}, None, ""),
        ({"items": [{"n": 1}], "email": "ada@example.com", "note": "hello"}, None, ""),
        ([], "", "at its top: the value is not of type"),
        ({}, "", '"items" is a required property'),
        ({"items": [{"n": 1}, {"n": "secret"}]}, "/items/1/n", 'the value is not of type "integer"'),
        ({"items": [], "email": "secret"}, "/email", 'the value is not a "email"'),
        ({"items": [], "note": "secret"}, "/note", "the value is longer than 5 characters"),
        ({"items": [], "a/b~c": 1}, "/a~1b~0c", "not of type"),
        ({"items": [], "more": 1}, "", "'more' was unexpected"),
    ],
)
def test_a_body_that_does_not_fit_is_told_where(value: Any, field: str | None, words: str) -> None:
    problem = find_body_problem(make_schemas(ORDER), json.dumps(value).encode(), "application/json")
    if field is None:
        assert problem is None
        return
    assert problem is not None
    assert (problem.status, dict(problem.more)) == (400, {"in": "body", "field": field})
    assert words in problem.detail
    assert "secret" not in problem.detail


@pytest.mark.parametrize(
    ("content_type", "is_taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=UTF-8", True),
        ('application/json;charset="utf-8"', True),
        ("application/merge-patch+json", True),
        ("application/json; charset=latin1", False),
        ("text/json", False),
        ("text/plain", False),
        ("application/jsonp", False),
        ("", False),
        (None, False),
    ],
)
def test_only_json_is_checked(content_type: str | None, is_taken: bool) -> None:
    problem = find_body_problem(make_schemas(ORDER), b'{"items": []}', content_type)
    assert (problem is None) is is_taken
    if problem is not None:
        assert (problem.status, problem.headers) == (415, (("Accept", "application/json"),))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"[1,]",
        b"'a'",
        b"1 2",
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b"\xef\xbb\xbf1",
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    problem = find_body_problem(make_schemas({}), body, "application/json")
    assert problem is not None
    assert problem.status == 400
    assert "the body is not JSON" in problem.detail


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, None),
        ({"page": "1"}, None),
        ({"tag": ["a", "b"]}, None),
        ({"page": "one"}, "/page"),
        ({"page": ["1", "2"]}, "/page"),
        ({"tag": ["a", "b", "c"]}, "/tag"),
        ({"other": "1"}, ""),
    ],
)
def test_a_query_that_does_not_fit_is_told_where(query: dict[str, Any], field: str | None) -> None:
    problem = find_query_problem(make_schemas(query=PAGE), query)
    found = None if problem is None else problem.more["field"]
    assert found == field
    assert problem is None or (problem.status, problem.more["in"]) == (400, "query")


def test_a_query_that_no_utf8_can_hold_is_refused() -> None:
    problem = find_query_problem(make_schemas(query=PAGE), {"page": "\udcff"})
    assert problem is not None
    assert "cannot be read" in problem.detail


def test_without_a_schema_anything_goes() -> None:
    for schemas in (SchemaSet.build(None), make_schemas()):
        assert find_body_problem(schemas, b"\xff", "image/png") is None
        assert find_query_problem(schemas, {"a": "b"}) is None


def test_a_large_body_that_does_not_fit_is_not_searched() -> None:
    body = json.dumps({"items": [], "note": "x" * MAX_EXPLAINED}).encode()
    problem = find_body_problem(make_schemas(ORDER), body, "application/json")
    assert problem is not None
    assert problem.more == {"in": "body"}
    assert "too large to say where" in problem.detail


def test_no_answer_grows_with_the_schema_or_the_body() -> None:
    choices = make_schemas({"enum": ["x" * 1000] * 10})
    problem = find_body_problem(choices, b'"y"', "application/json")
    assert problem is not None
    assert len(problem.detail) < 1000
    deep = make_schemas({"additionalProperties": {"additionalProperties": {"type": "string"}}})
    problem = find_body_problem(
        deep, json.dumps({"k" * 30_000: {"k" * 30_000: 1}}).encode(), "application/json"
    )
    assert problem is not None
    assert len(problem.detail) + len(problem.more["field"]) < 2000


@pytest.mark.parametrize("field", ["body", "query"])
def test_a_schema_that_is_none_is_told_with_its_field(field: str) -> None:
    with pytest.raises(BadSchema, match=rf"requestSchema\.{field} is no JSON Schema"):
        make_schemas(**{field: {"type": "nonsense"}})


@pytest.mark.parametrize("piece", [b"[]", b"{}", b"1", b'{"":0}', b"[[[]]]"])
def test_a_body_of_more_values_than_memory_allows_is_refused_unread(
    piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scriptorium_runner.endpoints.schemas.MAX_VALUES", 1000)
    schemas = make_schemas({"type": "array"})
    few, many = (b"[" + b",".join([piece] * count) + b"]" for count in (100, 1002))
    assert find_body_problem(schemas, few, "application/json") is None
    problem = find_body_problem(schemas, many[:-1], "application/json")
    assert problem is not None
    assert (problem.status, problem.more) == (413, {"in": "body"})
