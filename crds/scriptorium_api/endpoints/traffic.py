"""What an Endpoint lets through: origins, rates, numbers, shapes."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scriptorium_api.base import Model, OpenObject, rule, validated_by
from scriptorium_api.endpoints.auth import HeaderName

_ANY_WITH_CREDENTIALS = "credentials cannot go with *: name the origins, the headers and the exposedHeaders"
_METHOD_TWICE = "Duplicate value: methods must not name one twice"
_HEADER_MISSING = "header goes with by: header, and is needed there"

#: What a browser sends as Origin, one level of any name by *., or * alone.
Origin = Annotated[
    str,
    Field(
        max_length=253,
        pattern=r"^[*]$|^[a-z][a-z0-9+.-]*://([*][.])?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$",
        description="An origin as browsers write it, with *. for any one name before it, or * for all.",
    ),
]


class Method(StrEnum):
    """The methods that an Endpoint can have; HEAD comes with GET, and OPTIONS with every path."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def _check_methods(methods: list[Method]) -> list[Method]:
    if len(set(methods)) != len(methods):
        raise ValueError(_METHOD_TWICE)
    return methods


Methods = Annotated[
    list[Annotated[Method, Field(strict=False)]],
    AfterValidator(_check_methods),
    Field(min_length=1, max_length=5, json_schema_extra={"x-kubernetes-list-type": "set"}),
]


class Cors(Model):
    """Which web pages of other origins may call."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(
                "!self.credentials"
                " || !('*' in self.origins || '*' in self.headers || '*' in self.exposedHeaders)",
                _ANY_WITH_CREDENTIALS,
            )
        )
    )

    origins: list[Origin] = Field(min_length=1, max_length=64)
    """Origins such as https://app.example.com or https://*.example.com, which is any one name before
    .example.com; * stands for all."""
    methods: Methods | None = None
    """The methods that they may use; if absent, the Endpoint's."""
    headers: list[HeaderName] = Field(default=[], max_length=64)
    """Headers that they may send besides the simple ones; * stands for all but Authorization."""
    exposed_headers: list[HeaderName] = Field(default=[], max_length=64)
    """Headers of answers that they may read besides the simple ones; * stands for all."""
    credentials: bool = False
    """Whether they may send cookies and other credentials."""
    max_age: int = Field(default=600, ge=0, le=86400)
    """How many seconds browsers may remember this (default 600)."""

    @model_validator(mode="after")
    def _names_origins(self) -> "Cors":
        if self.credentials and "*" in [*self.origins, *self.headers, *self.exposed_headers]:
            raise ValueError(_ANY_WITH_CREDENTIALS)
        return self


class RateBy(StrEnum):
    """Who is counted as one caller."""

    IP = "ip"
    KEY = "key"
    HEADER = "header"


class RateLimit(Model):
    """How many requests a caller may make; more get 429 and Retry-After."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(rule("(self.by == 'header') == has(self.header)", _HEADER_MISSING))
    )

    requests: int = Field(ge=1, le=1_000_000)
    """So many requests."""
    per_seconds: int = Field(default=1, ge=1, le=86400)
    """In so many seconds (default 1)."""
    burst: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many may come at once after a rest; if absent, as many as requests."""
    by: Annotated[RateBy, Field(strict=False)] = RateBy.IP
    """Who is one caller: the address, who the caller is by auth (key), or a header's value (default ip)."""
    header: HeaderName | None = None
    """The header, for by: header."""

    @model_validator(mode="after")
    def _has_header(self) -> "RateLimit":
        if (self.by is RateBy.HEADER) != (self.header is not None):
            raise ValueError(_HEADER_MISSING)
        return self


class Concurrency(Model):
    """How many requests are worked on at a time; more wait, and what cannot wait gets 503 and Retry-After."""

    max: int = Field(ge=1, le=1000)
    """So many at a time, in all runners of the pool together."""
    queue: int = Field(default=0, ge=0, le=1000)
    """So many may wait (default 0)."""


class RequestSchema(Model):
    """What requests must look like; others get 400 with the part that does not fit."""

    body: OpenObject | None = None
    """A JSON Schema of the body, which then must be JSON."""
    query: OpenObject | None = None
    """A JSON Schema of the query: an object of texts, or of lists where a parameter comes several times."""
