"""The Job of one attempt of a run that has a pod of its own."""

import math

from scriptorium_api import names, owners
from scriptorium_api.ceilings import MEMORY_PART
from scriptorium_api.env import ValueRef
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.script import Limits
from scriptorium_api.values import frozen
from scriptorium_operator.build import env_volume, runner_pod
from scriptorium_operator.build.runner_pod import Place
from scriptorium_operator.facts import Manifest

#: What a runner needs beside its script, in MiB.
_RUNNER_MB = 128

#: A Job that ended stays for its pod's log; then Kubernetes removes it.
KEPT_SECONDS = 300

#: To start and to settle: a pod that is still there when all of its time has passed stands still.
MARGIN_SECONDS = 60


@frozen(kw_only=True)
class RunOrder:
    """Which attempt of a run the pod is for, and what it may use."""

    execution: ScriptExecution
    attempt: int
    limits: Limits
    start_seconds: float
    """How long the pod may take until the script starts."""
    values: tuple[ValueRef, ...] = ()
    """What the Script's env names of Secrets and ConfigMaps."""


def build_run_job(order: RunOrder, place: Place) -> Manifest:
    """Give the Job: one pod, once. Whether there is another attempt is for the run to say."""
    metadata, pool = order.execution.metadata, place.pool.metadata.name
    labels = names.run_labels(pool)
    seconds = order.start_seconds + order.limits.timeout_seconds + runner_pod.GRACE_SECONDS + MARGIN_SECONDS
    bare = runner_pod.build_pod_spec(place, _build_container(order, place))
    pod = env_volume.add_env_volume(bare, order.values)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.run_job_name(metadata.uid, order.attempt),
            "namespace": metadata.namespace,
            "labels": labels,
            "ownerReferences": [owners.build_owner("ScriptExecution", metadata)],
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": int(seconds),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": pod | {"restartPolicy": "Never"}},
        },
    }


def _build_container(order: RunOrder, place: Place) -> Manifest:
    settings = {
        "SCRIPTORIUM_EXECUTION": order.execution.metadata.name,
        "SCRIPTORIUM_EXECUTION_UID": order.execution.metadata.uid,
        "SCRIPTORIUM_ATTEMPT": str(order.attempt),
    }
    resources = build_resources(order.limits)
    return runner_pod.build_container(place, ("scriptorium-runner", "run"), settings, resources)


def build_resources(limits: Limits) -> Manifest:
    """Give what a runner needs for one script; a pool's resources are for many at once."""
    # The script's own limit has to come before the runner ends it for the sake of the container.
    memory = f"{math.ceil((limits.memory_mb + _RUNNER_MB) / MEMORY_PART)}Mi"
    return {"requests": {"cpu": "100m", "memory": memory}, "limits": {"memory": memory}}
