"""What the test of an installation says is wrong, for everything that can be."""

from dataclasses import replace
from typing import Any

import pytest

from scriptorium_api import names
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script
from scriptorium_client.selftest import diagnosis
from scriptorium_client.selftest.scene import OperatorState, Scene, read_operator, read_trouble

MOMENT = "2030-01-01T12:00:00Z"


def make(model: Any, **status: Any) -> Any:
    spec: dict[str, Any] = {
        "Script": {"source": "return 1"},
        "ScriptExecution": {"scriptRef": {"name": "x"}},
    }.get(model.__name__, {})
    metadata = {"name": "default", "namespace": "team"}
    body = {"apiVersion": names.API_VERSION, "kind": model.__name__, "metadata": metadata, "spec": spec}
    return model.from_wire(body | {"status": status})


def ready(*, is_true: bool, reason: str = "Why", message: str = "A sentence.") -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(is_true), "reason": reason, "message": message}
    return {"conditions": [condition | {"lastTransitionTime": MOMENT}]}


def run(phase: str, reason: str, **status: Any) -> ScriptExecution:
    found: ScriptExecution = make(ScriptExecution, phase=phase, reason=reason, **status)
    return found


WELL = Scene(
    operator=OperatorState(wanted=2, ready=2),
    script=make(Script, **ready(is_true=True)),
    pool=make(RunnerPool, **ready(is_true=True)),
    run=run("Succeeded", "Completed", output={"doubled": 2}),
)
UNJUDGED = replace(WELL, script=make(Script))
WAITING = replace(WELL, run=run("Pending", "Queued"))


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert diagnosis.explain(WELL) == ""
    assert diagnosis.is_over(WELL)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (replace(UNJUDGED, operator=None), "there is no Deployment scriptorium-operator"),
        (replace(UNJUDGED, operator=OperatorState(wanted=0, ready=0)), "the operator is stopped"),
        (
            replace(UNJUDGED, operator=OperatorState(wanted=2, ready=0, trouble="ErrImagePull: no")),
            "none of the operator's 2 replicas is ready: ErrImagePull: no",
        ),
        (UNJUDGED, "the operator is ready and has not looked at the Script"),
        (replace(WAITING, script=make(Script), operator=OperatorState(wanted=0, ready=0)), "is stopped"),
        (
            replace(WELL, script=make(Script, **ready(is_true=False, reason="CheckFailed"))),
            "its Script is not ready: CheckFailed: A sentence.",
        ),
        (replace(WELL, script=None), "its Script is gone"),
        (replace(WELL, run=None), "its ScriptExecution is gone"),
        (replace(WAITING, pool=None), "Pending, Queued, and the operator made no RunnerPool"),
        (replace(WAITING, pool=make(RunnerPool)), "the operator has not looked at the RunnerPool"),
        (
            replace(WAITING, pool=make(RunnerPool, **ready(is_true=False, reason="FailedCreate"))),
            "Pending, Queued, and the runners are not ready: FailedCreate: A sentence.",
        ),
        (WAITING, "the runners are ready: their logs say why"),
    ],
)
def test_what_is_missing_is_named_when_the_time_is_over(scene: Scene, words: str) -> None:
    assert words in diagnosis.explain(scene)
    assert not diagnosis.is_over(scene)


def test_a_run_that_fails_ends_the_test_at_once_and_says_why() -> None:
    scene = replace(WELL, run=run("Failed", "MemoryLimit", message="128 MB were not enough"))
    assert diagnosis.is_over(scene)
    assert diagnosis.explain(scene) == "its run ended as Failed, MemoryLimit: 128 MB were not enough"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, ""),
        ({"containerStatuses": [{"ready": True, "state": {"running": {}}}]}, ""),
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}, ""),
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImageNeverPull", "message": "no"}}}]},
            "ErrImageNeverPull: no",
        ),
        (
            {
                "containerStatuses": [
                    {
                        "ready": False,
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    }
                ]
            },
            "its container ended with exit code 137, OOMKilled",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "No", "message": "room"}]},
            "No: room",
        ),
        (
            {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "No", "message": "room"}]},
            "No: room",
        ),
    ],
)
def test_the_platforms_words_are_found_in_a_pod(status: dict[str, Any], words: str) -> None:
    assert read_trouble({"status": status}) == words


def test_an_operator_that_just_began_has_no_replicas_ready() -> None:
    deployment: dict[str, Any] = {"spec": {"replicas": 2}, "status": {}}
    assert read_operator(deployment, []) == OperatorState(wanted=2, ready=0)
    assert read_operator(None, []) is None
