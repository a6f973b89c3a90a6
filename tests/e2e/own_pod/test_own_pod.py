"""Runs with pods of their own, and what the platform does to such pods."""

import copy
from typing import Any

import pytest

from tests.support import unsealable
from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, execution, script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

ENDLESS = "for (;;) {}"


def alone(name: str, **spec: Any) -> Manifest:
    return execution(name, isolation="Pod", **({"source": "return 1;"} | spec))


def status_of(kubectl: Kubectl, namespace: str, name: str) -> dict[str, Any]:
    found = kubectl.get("scriptexecution", name, namespace)
    assert found
    status: dict[str, Any] = found["status"]
    return status


def reach(kubectl: Kubectl, namespace: str, name: str, *phases: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        status = status_of(kubectl, namespace, name)
        return status if status["phase"] in phases else None

    found = until(look, 120, f"{name} is {' or '.join(phases)}")
    assert found
    return found


def job_name(kubectl: Kubectl, namespace: str, name: str, attempt: int = 1) -> str:
    found = kubectl.get("scriptexecution", name, namespace)
    assert found
    return f"scriptorium-run-{found['metadata']['uid']}-{attempt}"


def test_a_run_whose_pod_the_quota_refuses_says_so_and_ends_with_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("warm", source="return 1;"), namespace)
    kubectl.run("wait", "rp/default", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s")
    kubectl.run("create", "quota", "full", "--hard=pods=1", "--namespace", namespace)
    until(lambda: (kubectl.get("quota", "full", namespace) or {}).get("status", {}).get("used"))
    kubectl.create(alone("squeezed", startDeadlineSeconds=20), namespace)
    told = until(lambda: status_of(kubectl, namespace, "squeezed").get("message"), 60, "it says why it waits")
    assert "exceeded quota: full" in told
    status = reach(kubectl, namespace, "squeezed", "Failed")
    assert status["reason"] == "PodFailed"
    assert "FailedCreate" in status["message"]
    assert "exceeded quota: full" in status["message"]
    assert [each["reason"] for each in status["attempts"]] == ["PodFailed"]
    job = job_name(kubectl, namespace, "squeezed")
    until(lambda: kubectl.get("job", job, namespace) is None, 30, "its Job is gone")


def test_a_run_whose_pod_a_limit_range_refuses_waits_until_it_is_mended(
    kubectl: Kubectl, namespace: str
) -> None:
    limits = [{"type": "Container", "max": {"memory": "200Mi"}}]
    kubectl.create(
        {
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": {"name": "small"},
            "spec": {"limits": limits},
        },
        namespace,
    )
    kubectl.create(alone("large"), namespace)
    told = until(lambda: status_of(kubectl, namespace, "large").get("message"), 60, "it says why it waits")
    assert "maximum memory usage per Container is 200Mi" in told
    kubectl.run("delete", "limitrange", "small", "--namespace", namespace)
    assert reach(kubectl, namespace, "large", "Succeeded")["output"] == {"value": 1}


def test_a_run_whose_pod_is_ended_by_its_jobs_deadline_reports_that_it_was_cut_off(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.create(alone("slow", source=ENDLESS, limits={"timeoutSeconds": 600}), namespace)
    reach(kubectl, namespace, "slow", "Running")
    job = job_name(kubectl, namespace, "slow")
    patch = '{"spec": {"activeDeadlineSeconds": 1}}'
    kubectl.run("patch", "job", job, "--namespace", namespace, "--type=merge", "-p", patch)
    assert reach(kubectl, namespace, "slow", "Failed")["reason"] == "RunnerShutdown"


def test_a_run_whose_pod_is_gone_without_a_word_is_retried_by_a_new_pod(
    kubectl: Kubectl, namespace: str
) -> None:
    source = "if (ctx.execution.attempt === 1) { for (;;) {} } return ctx.execution.attempt;"
    kubectl.create(
        alone(
            "phoenix",
            source=source,
            limits={"timeoutSeconds": 600},
            retry={"limit": 1, "backoffSeconds": 1},
        ),
        namespace,
    )
    pod = reach(kubectl, namespace, "phoenix", "Running")["runner"]["pod"]
    kubectl.run("delete", "pod", pod, "--namespace", namespace, "--force", "--grace-period=0")
    status = reach(kubectl, namespace, "phoenix", "Succeeded", "Failed")
    assert [each["reason"] for each in status["attempts"]] == ["PodFailed", "Completed"]
    assert status["output"] == {"value": 2}


def test_a_run_is_cancelled_while_its_pod_cannot_start_and_while_it_runs(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(script("warm", source="return 1;"), namespace)
    kubectl.run("wait", "rp/default", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s")
    kubectl.create(alone("running", source=ENDLESS, limits={"timeoutSeconds": 600}), namespace)
    reach(kubectl, namespace, "running", "Running")
    kubectl.run("create", "quota", "full", "--hard=pods=1", "--namespace", namespace)
    kubectl.create(alone("waiting"), namespace)
    job = job_name(kubectl, namespace, "waiting")
    until(lambda: kubectl.get("job", job, namespace), 60, "its Job is there")
    for name in ("running", "waiting"):
        kubectl.run(
            "patch", "sx", name, "--namespace", namespace, "--type=merge", "-p", '{"spec":{"cancel":true}}'
        )
        assert reach(kubectl, namespace, name, "Cancelled")["reason"] == "Cancelled"
    until(lambda: kubectl.get("job", job, namespace) is None, 60, "the Job that never started is gone")


def stand_in(model: Manifest, run: Manifest) -> Manifest:
    """Give the Job that the operator would make for a run, on a kernel that cannot seal scripts.

    `model` is what it made for another run.
    """
    metadata, template = run["metadata"], copy.deepcopy(model["spec"]["template"])
    (container,) = template["spec"]["containers"]
    own = {"SCRIPTORIUM_EXECUTION": metadata["name"], "SCRIPTORIUM_EXECUTION_UID": metadata["uid"]}
    container["command"] = ["/opt/scriptorium/bin/python", "-c", unsealable.RUNNER, "run"]
    # Also where the release goes without Landlock.
    container["env"] = [
        each | ({"value": own[each["name"]]} if each["name"] in own else {})
        for each in container["env"]
        if each["name"] != "SCRIPTORIUM_REQUIRE_LANDLOCK"
    ]
    owner = {"apiVersion": run["apiVersion"], "kind": run["kind"], "name": metadata["name"]}
    # The labels that the Job controller adds are for it to add.
    template["metadata"] = {"labels": model["metadata"]["labels"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"scriptorium-run-{metadata['uid']}-1",
            "labels": model["metadata"]["labels"],
            "ownerReferences": [owner | {"uid": metadata["uid"], "controller": True}],
        },
        "spec": {"backoffLimit": 0, "podReplacementPolicy": "Failed", "template": template},
    }


def test_a_run_whose_pod_cannot_be_sealed_runs_no_script_and_says_what_is_missing(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.create(alone("model"), namespace)
    reach(kubectl, namespace, "model", "Succeeded")
    model = kubectl.get("job", job_name(kubectl, namespace, "model"), namespace)
    # The operator makes no Job before there is a Script, and takes the one that is there for its own then.
    kubectl.create(execution("unsealed", scriptRef={"name": "late"}, isolation="Pod"), namespace)
    until(lambda: status_of(kubectl, namespace, "unsealed")["reason"] == "ScriptNotFound", 120)
    run = kubectl.get("scriptexecution", "unsealed", namespace)
    assert model
    assert run
    kubectl.create(stand_in(model, run), namespace)
    kubectl.apply(script("late", source="return 'it ran';"), namespace)
    status = reach(kubectl, namespace, "unsealed", "Failed", "Succeeded")
    assert (status["reason"], status.get("output")) == ("PodFailed", None)
    assert "the sandbox lacks what it requires: landlock (" in status["message"]
    assert "sandbox.requireLandlock" in status["message"]
    assert [each["reason"] for each in status["attempts"]] == ["PodFailed"]


def test_a_run_waits_for_its_script_before_it_has_a_pod(kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(execution("early", scriptRef={"name": "late"}, isolation="Pod"), namespace)
    until(lambda: status_of(kubectl, namespace, "early")["reason"] == "ScriptNotFound", 120)
    assert kubectl.list("jobs", namespace) == []
    kubectl.apply(script("late", source="return 'here';"), namespace)
    assert reach(kubectl, namespace, "early", "Succeeded")["output"] == {"value": "here"}
