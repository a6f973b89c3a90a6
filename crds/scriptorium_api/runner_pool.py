"""RunnerPool: the warm runners of a namespace."""

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from scriptorium_api.base import Metadata, Model, Object, rule, validated_by
from scriptorium_api.conditions import Condition
from scriptorium_api.names import API_VERSION, DEFAULT_POOL
from scriptorium_api.placement import Resources, Toleration

_ONLY_DEFAULT = "a namespace has one RunnerPool, named default"


class RunnerPoolSpec(Model):
    """How many runners a namespace has, and where they run."""

    replicas: int = Field(default=1, ge=0, le=100)
    """How many runner pods (default 1)."""
    workers_per_runner: int = Field(default=10, ge=1, le=100)
    """How many scripts a pod runs at once, each in a warm process of its own (default 10)."""
    resources: Resources = Resources()
    """What each pod asks for and may use."""
    node_selector: dict[str, str] = Field(default={}, max_length=32)
    """Labels that a node must have."""
    tolerations: list[Toleration] = Field(default=[], max_length=16)
    """Taints that the pods may live with."""


class RunnerPoolStatus(Model):
    """What the operator sees of the pool."""

    observed_generation: int = Field(default=0, ge=0)
    """The metadata.generation that this status speaks of."""
    replicas: int = Field(default=0, ge=0)
    """Runner pods that exist."""
    ready: int = Field(default=0, ge=0)
    """Runner pods that take runs."""
    workers: int = Field(default=0, ge=0)
    """Scripts that the ready pods can run at once."""
    selector: str = Field(default="", max_length=1024)
    """The label selector of the pods, for the scale subresource."""
    conditions: list[Condition] = Field(default=[], max_length=8)
    """Ready: all the pods that the spec asks for take runs. SecretsPending: some of them may lack values that
    Scripts name in env."""


class RunnerPool(Object):
    """The warm runners of a namespace; the operator makes it when the namespace first needs one."""

    model_config = ConfigDict(
        json_schema_extra=validated_by(rule(f"self.metadata.name == '{DEFAULT_POOL}'", _ONLY_DEFAULT))
    )

    api_version: Literal["scriptorium.dev/v1alpha1"] = API_VERSION
    kind: Literal["RunnerPool"] = "RunnerPool"
    metadata: Metadata
    spec: RunnerPoolSpec = RunnerPoolSpec()
    """How many runners, and where."""
    status: RunnerPoolStatus = Field(default=RunnerPoolStatus(), json_schema_extra={"default": None})
    """What the operator sees; written by Scriptorium alone."""

    @model_validator(mode="after")
    def _is_the_default(self) -> "RunnerPool":
        if self.metadata.name != DEFAULT_POOL:
            raise ValueError(_ONLY_DEFAULT)
        return self
