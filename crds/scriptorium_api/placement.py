"""Where pods run and what they use, in Kubernetes' own terms."""

from typing import Annotated, Literal

from pydantic import Field

from scriptorium_api.base import Model

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
