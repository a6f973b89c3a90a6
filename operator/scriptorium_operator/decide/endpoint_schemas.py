"""Whether what an Endpoint gives as JSON Schemas are any. Pure."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.schemas import MAX_BYTES, find_schema_problem
from scriptorium_operator.facts import Problem

_FIELDS = ("body", "query")


def find_schema_flaw(schemas: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give the field of the first that is no JSON Schema, and why; what is no object is not our business."""
    for field in _FIELDS:
        schema = schemas.get(field)
        if isinstance(schema, dict) and (problem := _find_problem(schema)):
            return f"spec.requestSchema.{field}", problem
    return None


def find_schema_trouble(endpoint: Endpoint) -> Problem | None:
    """Give why no request can be judged, as a condition says it."""
    schemas = endpoint.spec.request_schema
    flaw = find_schema_flaw({"body": schemas.body, "query": schemas.query}) if schemas else None
    return Problem("SchemaInvalid", f"{flaw[0]} {flaw[1]}") if flaw else None


def _find_problem(schema: dict[str, Any]) -> str | None:
    try:
        text = json.dumps(schema, sort_keys=True)
    except RecursionError:
        return find_schema_problem(schema)
    return find_schema_problem(schema) if len(text) > 2 * MAX_BYTES else _recall(text)


@lru_cache(maxsize=256)
def _recall(text: str) -> str | None:
    """Give the verdict; an Endpoint is looked at far more often than its schemas change."""
    return find_schema_problem(json.loads(text))
