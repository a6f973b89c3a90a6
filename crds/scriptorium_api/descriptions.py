"""What the models' fields are, as the docstrings below them say; read only when the CRDs are rendered.

pydantic would read the sources of all models whenever a program starts, be it a pod that has one run.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema


class DescribedSchema(GenerateJsonSchema):
    """JSON Schema whose properties are described by their fields' docstrings."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        """Give the schema of a model, with its fields described."""
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        described = find_descriptions(model)
        for name, field in model.model_fields.items():
            if name in described and field.description is None:
                found["properties"][field.alias or name]["description"] = described[name]
        return found


def find_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Give the docstring of each field that has one, be it of a model that this one is made from."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _read_class(each.__module__, each.__name__)
    return found


def _read_class(module: str, name: str) -> dict[str, str]:
    (node,) = (each for each in _read_module(module).body if _is_class(each, name))
    return dict(_read_fields(node))


@functools.cache
def _read_module(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[name]))


def _is_class(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == name


def _read_fields(node: Any) -> Iterator[tuple[str, str]]:
    for field, after in pairwise(node.body):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                yield name, inspect.cleandoc(text)
