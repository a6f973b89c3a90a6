"""From pydantic's JSON Schema to the structural schema that a CRD holds."""

from typing import Any

Schema = dict[str, Any]

#: What pydantic says and a structural schema must not: titles are noise, and the API server
#: forbids what it does not know by itself (additionalProperties and properties exclude each other).
_DROPPED = {"title", "$defs"}

_VALIDATIONS = "x-kubernetes-validations"


def build_schema(model_schema: Schema) -> Schema:
    """Give the structural schema: references inlined, optional fields without null, enums for constants."""
    return _convert(model_schema, model_schema.get("$defs", {}))


def _convert(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _merge_optional(_merge_reference(node, definitions), definitions)
    schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if schema.get("additionalProperties") is False:
        del schema["additionalProperties"]
    if "default" in schema:
        schema["default"] = _without_none(schema["default"])
    if schema.get("default", ...) is None:
        del schema["default"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    return schema | _convert_children(schema, definitions)


def without_defaults(schema: Schema) -> Schema:
    """Give the schema without any default below its root: a status says only what was found out."""
    return {
        key: {name: without_defaults(_without_default(child)) for name, child in value.items()}
        if key == "properties"
        else value
        for key, value in schema.items()
    }


def _without_default(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "default"}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(child) for key, child in value.items() if child is not None}
    return value


def _convert_children(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    children: Schema = {}
    if "properties" in schema:
        children["properties"] = {
            name: _convert(child, definitions) for name, child in schema["properties"].items()
        }
    if "items" in schema:
        children["items"] = _convert(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        children["additionalProperties"] = _convert(schema["additionalProperties"], definitions)
    return children


def _merge_reference(node: Schema, definitions: dict[str, Schema]) -> Schema:
    if "$ref" not in node:
        return node
    target = definitions[node["$ref"].rpartition("/")[2]]
    return _merge(target, {key: value for key, value in node.items() if key != "$ref"})


def _merge_optional(node: Schema, definitions: dict[str, Schema]) -> Schema:
    if "anyOf" not in node:
        return node
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise ValueError(f"a structural schema has no unions: {node}")
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return _merge(_merge_reference(choices[0], definitions), rest)


def _merge(inner: Schema, outer: Schema) -> Schema:
    rules = inner.get(_VALIDATIONS, []) + outer.get(_VALIDATIONS, [])
    return inner | outer | ({_VALIDATIONS: rules} if rules else {})
