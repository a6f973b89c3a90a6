"""What Jobs, pods and Events say, in the shapes that Kubernetes 1.34 gives them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scriptorium_operator.facts import Trouble
from scriptorium_operator.gateways.run_pods import read_run_pod

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

QUOTA = 'pods "p" is forbidden: exceeded quota: full, requested: pods=1, used: pods=1, limited: pods=1'


def job(*conditions: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"uid": "j"}, "status": {"conditions": list(conditions)}}


def pod(phase: str, going: str = "", **status: Any) -> dict[str, Any]:
    metadata = {"name": "p"} | ({"deletionTimestamp": going} if going else {})
    return {"metadata": metadata, "status": {"phase": phase} | status}


def condition(kind: str, reason: str, message: str = "", status: str = "True") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def container(**state: Any) -> list[dict[str, Any]]:
    return [{"name": "runner", "state": state}]


FAILED = condition("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
DEADLINE = condition("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")

OUT_OF_MEMORY = pod(
    "Failed", containerStatuses=container(terminated={"exitCode": 137, "reason": "OOMKilled"})
)
EVICTED = pod(
    "Failed",
    reason="Evicted",
    message="The node was low on resource: memory.",
    containerStatuses=container(terminated={"exitCode": 137, "reason": "Error"}),
)
NO_IMAGE = pod(
    "Pending",
    containerStatuses=container(waiting={"reason": "ImagePullBackOff", "message": "Back-off pulling image"}),
)
NO_NODE = pod(
    "Pending", conditions=[condition("PodScheduled", "Unschedulable", "0/1 nodes are available", "False")]
)
PREEMPTED = pod(
    "Failed", conditions=[condition("DisruptionTarget", "PreemptionByScheduler", "preempted by a pod")]
)
BROKEN = pod("Failed", containerStatuses=container(terminated={"exitCode": 2, "reason": "Error"}))
UNSEALED = pod(
    "Failed",
    containerStatuses=container(
        terminated={"exitCode": 2, "reason": "Error", "message": "the sandbox lacks landlock"}
    ),
)
STARTING = pod("Pending", containerStatuses=container(waiting={"reason": "ContainerCreating"}))
REFUSED = {"reason": "FailedCreate", "message": QUOTA, "lastTimestamp": "2026-01-01T11:59:59Z"}
EARLIER = {"reason": "FailedCreate", "message": "another", "lastTimestamp": "2026-01-01T11:59:00Z"}
NO_WORRY = {"reason": "SuccessfulCreate", "message": "Created pod"}


@pytest.mark.parametrize(
    ("found", "is_over", "trouble"),
    [
        ((job(), [], [EARLIER, REFUSED, NO_WORRY]), False, Trouble("FailedCreate", QUOTA)),
        ((job(), [STARTING], []), False, None),
        ((job(), [NO_IMAGE], []), False, Trouble("ImagePullBackOff", "pod p: Back-off pulling image")),
        ((job(), [NO_NODE], []), False, Trouble("Unschedulable", "0/1 nodes are available")),
        ((job(FAILED), [OUT_OF_MEMORY], []), True, Trouble("OOMKilled", "pod p: exit code 137")),
        ((job(FAILED), [EVICTED], []), True, Trouble("Evicted", f"pod p: {EVICTED['status']['message']}")),
        ((job(FAILED), [PREEMPTED], []), True, Trouble("PreemptionByScheduler", "pod p: preempted by a pod")),
        ((job(FAILED), [BROKEN], []), True, Trouble("Error", "pod p: exit code 2")),
        (
            (job(FAILED), [UNSEALED], [EARLIER]),
            True,
            Trouble("exit code 2", "pod p: the sandbox lacks landlock"),
        ),
        ((job(DEADLINE), [BROKEN], []), True, Trouble("DeadlineExceeded", DEADLINE["message"])),
        ((job(FAILED), [], []), True, Trouble("BackoffLimitExceeded", FAILED["message"])),
        ((job(condition("Complete", "CompletionsReached")), [pod("Succeeded")], []), True, None),
        ((job(condition("Complete", "CompletionsReached")), [], [EARLIER]), True, None),
        ((None, [pod("Running")], []), False, None),
    ],
)
def test_what_the_platform_says(
    found: tuple[Any, list[Any], list[Any]], is_over: bool, trouble: Trouble | None
) -> None:
    read = read_run_pod(*found, NOW)
    assert read is not None
    assert (read.is_over, read.trouble) == (is_over, trouble)


def test_a_pod_that_does_not_go_is_on_a_lost_node() -> None:
    ending = job(condition("FailureTarget", "BackoffLimitExceeded"))
    for going, is_over in (("2026-01-01T11:59:45Z", False), ("2026-01-01T11:59:15Z", True)):
        read = read_run_pod(ending, [pod("Running", going)], [], NOW)
        assert read is not None
        assert read.is_over is is_over


def test_where_there_is_neither_job_nor_pod_there_is_nothing() -> None:
    assert read_run_pod(None, [], [], NOW) is None


def test_only_a_pod_whose_container_runs_is_at_work() -> None:
    running = (pod("Running"), pod("Running", "2026-01-01T11:59:45Z"))
    others = (STARTING, NO_IMAGE, OUT_OF_MEMORY, pod("Running", "2026-01-01T11:59:15Z"))
    for each, is_running in ((each, each in running) for each in (*running, *others)):
        read = read_run_pod(job(), [each], [], NOW)
        assert read is not None
        assert read.is_running is is_running
