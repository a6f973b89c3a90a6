"""What the test sees of an installation, as values; nothing beyond this module looks into a live object."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script

Manifest = dict[str, Any]

#: The conditions of pods and Deployments whose message is a cause.
_TROUBLES = {("PodScheduled", "False"), ("ReplicaFailure", "True")}


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorState:
    """The operator's Deployment and pods."""

    wanted: int
    ready: int
    trouble: str = ""
    """Why a pod does not start, in the platform's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What there is to see at one moment; None is what is not there."""

    operator: OperatorState | None = None
    script: Script | None = None
    pool: RunnerPool | None = None
    run: ScriptExecution | None = None


def read_operator(deployment: Manifest | None, pods: Iterable[Manifest]) -> OperatorState | None:
    """Give the state of the operator."""
    if deployment is None:
        return None
    return OperatorState(
        wanted=deployment["spec"].get("replicas", 1),
        ready=deployment.get("status", {}).get("readyReplicas", 0),
        trouble=next((trouble for item in (*pods, deployment) if (trouble := read_trouble(item))), ""),
    )


def read_trouble(item: Manifest) -> str:
    """Give why a pod does not run or get ready, or a Deployment gets no pods; empty if nothing is told."""
    status = item.get("status", {})
    for container in status.get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting", {})
        ended = container.get("lastState", {}).get("terminated", {})
        if ended and not container.get("ready"):
            return f"its container ended with exit code {ended.get('exitCode')}, {ended.get('reason', '')}"
        if waiting and waiting.get("reason") != "ContainerCreating":
            return ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    for condition in status.get("conditions", []):
        if (condition["type"], condition["status"]) in _TROUBLES:
            return f"{condition.get('reason', '')}: {condition.get('message', '')}"
    return ""
