"""Script: the code and its limits."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from scriptorium_api.base import Metadata, Model, Object, rule, validated_by
from scriptorium_api.conditions import Condition
from scriptorium_api.env import Env
from scriptorium_api.names import API_VERSION, MAX_NAME
from scriptorium_api.permissions import Permissions

#: Source is kept in every watch of every runner: 64 KiB is what clusters scale with.
MAX_SOURCE_BYTES = 64 * 1024

#: How many ended runs are kept where a Script does not say otherwise.
KEPT_SUCCEEDED, KEPT_FAILED = 20, 50

_TOO_LARGE = f"must be at most {MAX_SOURCE_BYTES} bytes; move what is larger into several scripts"
_HAS_NUL = "must not contain NUL characters; remove them"


def find_source_problem(source: str) -> str | None:
    """Say what keeps a text from being a source, and the cure; None if nothing does.

    The rules of `spec.source`, for sources that the API server has not judged.
    """
    if not source:
        return "must not be empty; put the JavaScript there"
    if len(source.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
        return _TOO_LARGE
    return _HAS_NUL if "\0" in source else None


def _check_source(source: str) -> str:
    if problem := find_source_problem(source):
        raise ValueError(f"source {problem}")
    return source


Source = Annotated[
    str,
    AfterValidator(_check_source),
    Field(
        min_length=1,
        json_schema_extra=validated_by(
            rule(f"bytes(self).size() <= {MAX_SOURCE_BYTES}", f"source {_TOO_LARGE}"),
            rule(r"!self.contains('\x00')", f"source {_HAS_NUL}"),
        ),
    ),
]

Entrypoint = Annotated[str, Field(pattern=r"^[A-Za-z_$][A-Za-z0-9_$]*$", max_length=128)]


class Limits(Model):
    """What one run may use; a run that needs more ends with the reason that names the limit."""

    timeout_seconds: int = Field(default=30, ge=1, le=3600)
    """Wall-clock time in seconds, counted from the start of the script (default 30, at most 3600)."""
    memory_mb: int = Field(default=128, ge=8, le=1024)
    """Memory of the JavaScript heap in MiB (default 128, at most 1024)."""
    output_kb: int = Field(default=16, ge=1, le=64)
    """Size of the result as JSON in KiB; a larger result fails the run (default 16, at most 64)."""
    log_kb: int = Field(default=16, ge=1, le=64)
    """Size of the logs kept in status in KiB; the oldest lines are cut first (default 16, at most 64)."""
    api_calls: int = Field(default=100, ge=0, le=10_000)
    """How many calls of host functions such as http.get a run may make (default 100, at most 10000)."""


class ConfigMapKeyRef(Model):
    """One key of a ConfigMap in the same namespace."""

    name: str = Field(min_length=1, max_length=253)
    """The ConfigMap's name."""
    key: str = Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")
    """The key under data."""


class SourceFrom(Model):
    """Where the source comes from when it is not inline."""

    config_map_key_ref: ConfigMapKeyRef
    """The ConfigMap key that holds the source; a change of it is a new version of the Script."""


class Code(Model):
    """Code and its powers: exactly one of source and sourceFrom, and how to run it."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule("has(self.source) != has(self.sourceFrom)", "give exactly one of source and sourceFrom"),
        )
    )

    source: Source | None = None
    """The JavaScript: the body of an async function, so return and await work at the top level.
    At most 65536 bytes of UTF-8."""
    source_from: SourceFrom | None = None
    """Takes the source from elsewhere instead."""
    entrypoint: Entrypoint | None = None
    """A function of the script that is called with the input; its result is the run's output."""
    limits: Limits = Limits()
    """What one run may use."""
    permissions: Permissions = Permissions()
    """What it may reach."""
    env: Env = Field(default=[])
    """What the script sees as env.NAME, and nothing else of its surroundings; all values of a run together
    are at most 65536 bytes. Who may create Scripts can read the Secrets of the namespace this way."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "Code":
        if (self.source is None) == (self.source_from is None):
            raise ValueError("give exactly one of source and sourceFrom")
        return self


class ScriptSpec(Code):
    """What a Script is: exactly one of source and sourceFrom, and how to run it."""

    description: str | None = Field(default=None, max_length=1024)
    """What the script is for, in a sentence for people."""
    suspend: bool = False
    """While true no run of this script starts; runs wait with reason ScriptSuspended."""
    successful_runs_history_limit: int = Field(default=KEPT_SUCCEEDED, ge=0, le=1000)
    """How many succeeded runs are kept; the oldest go first (default 20)."""
    failed_runs_history_limit: int = Field(default=KEPT_FAILED, ge=0, le=1000)
    """How many runs are kept that failed, timed out or were cancelled; the oldest go first (default 50)."""


class ScriptStatus(Model):
    """What the operator found out about a Script."""

    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that this status speaks of."""
    version: int = Field(default=0, ge=0)
    """Counts the changes of the source, from 1."""
    source_hash: str | None = Field(default=None, max_length=128)
    """The SHA-256 of the source that this version is."""
    conditions: list[Condition] = Field(default=[], max_length=8)
    """Ready: runs can start. Compiled: the source is JavaScript; if not, the message has line and column."""


class Script(Object):
    """JavaScript that the cluster can run: the code, and what one run of it may use."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(
            rule(
                f"self.metadata.name.size() <= {MAX_NAME}",
                f"the name must be at most {MAX_NAME} characters",
            )
        )
    )

    api_version: Literal["scriptorium.dev/v1alpha1"] = API_VERSION
    kind: Literal["Script"] = "Script"
    metadata: Metadata
    spec: ScriptSpec
    """What the script is."""
    status: ScriptStatus = Field(default=ScriptStatus(), json_schema_extra={"default": None})
    """What the operator found out; written by Scriptorium alone."""

    @model_validator(mode="after")
    def _has_short_name(self) -> "Script":
        check_name(self.metadata)
        return self


def check_name(metadata: Metadata) -> None:
    """Refuse a name that would not fit into a label."""
    if len(metadata.name) > MAX_NAME:
        raise ValueError(f"the name must be at most {MAX_NAME} characters")
