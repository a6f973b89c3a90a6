"""Whether the body and the query of a request are what the Endpoint's requestSchema asks for: pure.

A body is checked where its method has one: what GET and HEAD carry is nobody's business. What a large body
has wrong is not searched for: only that it does not fit is told.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pydantic_core

from scriptorium_api.endpoints.schemas import BadSchema, compile_schema
from scriptorium_api.endpoints.traffic import RequestSchema
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Problem

if TYPE_CHECKING:
    import jsonschema_rs

#: To say what is wrong the library copies the value, which takes longer than to check it.
MAX_EXPLAINED = 65536

#: Values take up to thirty times their text, and nobody else is answered while they are read. Measured: a
#: body of 10 MiB of brackets took 330 MB and 4 s, so many values take 13 MB and 0.13 s at the most.
MAX_VALUES = 200_000

#: How much of the library's words is passed on: they may hold a whole list of what is allowed.
MAX_WORDS = 500

Query = Mapping[str, str | list[str]]


@frozen
class SchemaSet:
    """The schemas of one version of an Endpoint, ready to check with."""

    body: "jsonschema_rs.Validator | None" = None
    query: "jsonschema_rs.Validator | None" = None

    @classmethod
    def build(cls, schema: RequestSchema | None) -> "SchemaSet":
        """Compile what is there; raises BadSchema, which names the field and the cure."""
        if schema is None:
            return cls()
        return cls(_compile("body", schema.body), _compile("query", schema.query))


def find_body_problem(schemas: SchemaSet, body: bytes, content_type: str | None) -> Problem | None:
    """Say what a body has wrong: 415 if it is no JSON by its type, 400 if it does not fit."""
    if schemas.body is None:
        return None
    if not _is_json(content_type):
        detail = "the body must be JSON in UTF-8: send Content-Type: application/json"
        return Problem(415, "Unsupported Media Type", detail, (("Accept", "application/json"),))
    if count_values(body) > MAX_VALUES:
        detail = f"the body has more than {MAX_VALUES} values, which are too many to check: send it in parts"
        return Problem(413, "Content Too Large", detail, more={"in": "body"})
    try:
        value = pydantic_core.from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        return Problem(400, "Bad Request", f"the body is not JSON: {str(error)[:MAX_WORDS]}")
    return _find_misfit("body", schemas.body, value, is_small=len(body) <= MAX_EXPLAINED)


def count_values(body: bytes) -> int:
    """Count what begins a value or parts two, in texts too: no body has more values than this, and one."""
    return sum(body.count(sign) for sign in (b",", b"[", b"{"))


def find_query_problem(schemas: SchemaSet, query: Query) -> Problem | None:
    """Say which parameter does not fit: each is a text, or a list of texts where it comes several times."""
    if schemas.query is None:
        return None
    size = sum(len(name) + sum(map(len, value)) for name, value in query.items())
    return _find_misfit("query", schemas.query, dict(query), is_small=size <= MAX_EXPLAINED)


def _compile(field: str, schema: Mapping[str, Any] | None) -> "jsonschema_rs.Validator | None":
    if schema is None:
        return None
    try:
        return compile_schema(schema)
    except BadSchema as error:
        raise BadSchema(f"requestSchema.{field} {error}") from error


def _is_json(content_type: str | None) -> bool:
    kind, *parameters = (each.strip().lower() for each in (content_type or "").split(";"))
    main, _, sub = kind.partition("/")
    is_json = kind == "application/json" or (main == "application" and sub.endswith("+json"))
    sets = [each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset=")]
    return is_json and all(each in ("utf-8", "utf8") for each in sets)


def _find_misfit(
    where: str, schema: "jsonschema_rs.Validator", value: Any, *, is_small: bool
) -> Problem | None:
    try:
        if schema.is_valid(value):
            return None
    except ValueError as error:
        # Such as half a surrogate, which no UTF-8 can hold.
        return Problem(400, "Bad Request", f"the {where} cannot be read: {str(error)[:MAX_WORDS]}")
    if not is_small:
        detail = f"the {where} does not fit the schema; it is too large to say where"
        return Problem(400, "Bad Request", detail, more={"in": where})
    return _explain(where, schema, value)


def _explain(where: str, schema: "jsonschema_rs.Validator", value: Any) -> Problem:
    error = next(iter(schema.iter_errors(value)))
    place = "".join(f"/{_escape(str(step))}" for step in error.instance_path)[:MAX_WORDS]
    detail = f"the {where} does not fit the schema at {place or 'its top'}: {error.message[:MAX_WORDS]}"
    return Problem(400, "Bad Request", detail, more={"in": where, "field": place})


def _escape(step: str) -> str:
    """Write one step of a JSON Pointer."""
    return step.replace("~", "~0").replace("/", "~1")
