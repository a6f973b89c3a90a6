"""RunnerPool: the warm runners of a namespace."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from scriptorium_api.base import Metadata, Model, Object, rule, validated_by
from scriptorium_api.conditions import Condition
from scriptorium_api.names import API_VERSION, DEFAULT_POOL

_ONLY_DEFAULT = "a namespace has one RunnerPool, named default"

#: Kubernetes' own notation: 500m, 1.5, 256Mi.
Quantity = Annotated[str, Field(max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]


class ResourceList(Model):
    """CPU and memory, in Kubernetes' notation."""

    cpu: Quantity | None = None
    """CPUs, such as 500m or 2."""
    memory: Quantity | None = None
    """Memory, such as 512Mi."""


class Resources(Model):
    """What each runner pod asks for and may use."""

    requests: ResourceList = ResourceList(cpu="50m", memory="128Mi")
    """What the scheduler keeps free for a pod."""
    limits: ResourceList = ResourceList(memory="1536Mi")
    """What a pod may use at most; leave room for workersPerRunner scripts of their memoryMB."""


class Toleration(Model):
    """Lets runner pods onto nodes with this taint."""

    key: str | None = Field(default=None, max_length=316)
    """The taint's key; absent means every key, and then operator must be Exists."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """How key and value are compared."""
    value: str | None = Field(default=None, max_length=63)
    """The taint's value, for Equal."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; absent means all."""
    toleration_seconds: int | None = Field(default=None, ge=0)
    """How long a pod stays after a NoExecute taint appears; absent means for ever."""


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
