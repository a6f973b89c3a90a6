"""What every model of the API has in common."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
)
from pydantic.alias_generators import to_camel

#: A point in time, in RFC 3339 on the wire.
Timestamp = Annotated[datetime, Field(strict=False)]

#: An object of any JSON: the API server keeps what it does not know in it.
OpenObject = Annotated[
    dict[str, JsonValue],
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
]

#: Any JSON value at all.
OpenValue = Annotated[JsonValue, WithJsonSchema({"x-kubernetes-preserve-unknown-fields": True})]


def wire_name(field: str) -> str:
    """Give a field's name as manifests write it: `memory_mb` is `memoryMB`."""
    head, _, unit = field.rpartition("_")
    return to_camel(head) + unit.upper() if unit in {"mb", "kb"} else to_camel(field)


def rule(expression: str, message: str) -> dict[str, str]:
    """Give one validation rule in the Common Expression Language, as a CRD schema holds it."""
    return {"rule": expression, "message": message}


def validated_by(*rules: dict[str, str]) -> dict[str, Any]:
    """Give the schema extension that makes the API server check the rules."""
    return {"x-kubernetes-validations": list(rules)}


class Model(BaseModel):
    """A frozen value of the API: unknown fields and wrong types are refused, as the API server does."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        ser_json_inf_nan="null",
        # A pod that starts for one run reads three kinds of objects; most models are parts of these, and are
        # never asked for by themselves.
        defer_build=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """Give the model as a manifest writes it, without what is absent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class OwnerReference(Model):
    """Who owns an object; Kubernetes removes the object when its owner is gone."""

    model_config = ConfigDict(extra="ignore")

    api_version: str
    kind: str
    name: str
    uid: str


class Metadata(Model):
    """The part of an object's metadata that we read; the rest is Kubernetes' own."""

    model_config = ConfigDict(extra="ignore")

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[OwnerReference] = []

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value}


class Object(Model):
    """One object of a kind: what all kinds share."""

    api_version: str
    kind: str
    metadata: Metadata

    @classmethod
    def from_wire(cls, body: Any) -> Self:
        """Read an object as a manifest gives it; unknown fields too raise pydantic's ValidationError."""
        return cls.model_validate(body)

    @classmethod
    def from_stored(cls, body: Any) -> Self:
        """Read an object as the API server stores it; raises pydantic's ValidationError.

        Fields that this version does not know are left alone: the API grows by additions, and during an
        upgrade the CRDs are newer than the programs.
        """
        return cls.model_validate(body, extra="ignore")
