"""Objects that somebody else changed, or that were made again: what is ours becomes right, the rest stays."""

import json
from typing import Any

import pytest

from scriptorium_api import names
from tests.integration.operator.stage import Stage, a_namespace, describe, list_ours
from tests.integration.operator.test_operator import (
    FROM_CODE,
    NAME,
    PARTS,
    apply_pool,
    apply_script,
    versions_of,
    wait_for_condition,
)
from tests.support.kubectl import Kubectl
from tests.support.waiting import until, until_equal

pytestmark = pytest.mark.cluster

#: Within so many seconds everything is as it should be.
SOON = 30

NOWHERE = {"nodeSelector": {"disk": "none"}}


def patch(kind: str, change: Any, form: str = "merge") -> tuple[str, ...]:
    return ("patch", kind, NAME, f"--type={form}", "--patch", json.dumps(change))


BENDS: dict[str, tuple[str, ...]] = {
    "another image": ("set", "image", f"deployment/{NAME}", "runner=localhost/other"),
    "another scale": ("scale", "deployment", NAME, "--replicas=5"),
    "no label that we follow it by": ("label", "deployment", NAME, "app.kubernetes.io/name-"),
    "a pod template without its account": patch(
        "deployment", {"spec": {"template": {"spec": {"serviceAccountName": "default"}}}}
    ),
    "a selector with one key more": patch("service", {"spec": {"selector": {"no": "pod"}}}),
    "a service without owner": patch("service", {"metadata": {"ownerReferences": None}}),
    "a policy that lets everybody in": patch("networkpolicy", {"spec": {"ingress": [{}]}}),
    "a policy for no pods": patch("networkpolicy", {"spec": {"podSelector": {"matchLabels": {"no": "pod"}}}}),
    "a binding with one subject more": patch(
        "rolebinding",
        [{"op": "add", "path": "/subjects/-", "value": {"kind": "ServiceAccount", "name": "default"}}],
        "json",
    ),
    "an account whose token is mounted": patch("serviceaccount", {"automountServiceAccountToken": True}),
} | {f"no {kind}": ("delete", kind, NAME) for kind in PARTS}


def start_with_pool(stage: Stage, kubectl: Kubectl, namespace: str, **spec: Any) -> Any:
    """Start an operator, with a Script and a pool whose pods nobody schedules; give the objects."""
    stage.start_alone()
    apply_pool(kubectl, namespace, **spec)
    apply_script(kubectl, namespace)
    return stage.settle(namespace)


def test_a_part_that_was_bent_is_made_right(stage: Stage, kubectl: Kubectl) -> None:
    with a_namespace(kubectl) as namespace:
        wanted = start_with_pool(stage, kubectl, namespace, replicas=0, **NOWHERE)
        for bend in BENDS.values():
            kubectl.run(*bend, "--namespace", namespace)
            until_equal(lambda: describe(kubectl, namespace), wanted, SOON)
        assert stage.count_writes(namespace) == 0


def test_what_others_add_stays_and_is_no_reason_to_write(stage: Stage, kubectl: Kubectl) -> None:
    with a_namespace(kubectl) as namespace:
        start_with_pool(stage, kubectl, namespace, replicas=0)
        for kind, addition in ADDITIONS.items():
            apply_as_other(kubectl, namespace, kind, addition)
        assert stage.count_writes(namespace) == 0
        apply_pool(kubectl, namespace, replicas=0, workersPerRunner=3)
        until(lambda: "3" in environment_of(kubectl, namespace).values(), SOON, "the pool's change is there")
        assert environment_of(kubectl, namespace)["ADDED"] == "yes"
        for kind in ADDITIONS:
            metadata = (kubectl.get(kind, NAME, namespace) or {})["metadata"]
            assert (metadata["labels"]["team"], metadata["annotations"]["team"]) == ("a", "b")
        assert containers_of(kubectl, namespace)["sidecar"]["image"] == "localhost/sidecar"
        assert stage.count_writes(namespace) == 0


#: What another field manager applies beside us.
ADDITIONS: dict[str, dict[str, Any]] = {
    "Deployment": {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "runner", "env": [{"name": "ADDED", "value": "yes"}]},
                        {
                            "name": "sidecar",
                            "image": "localhost/sidecar",
                            "env": [{"name": "ITS", "value": "own"}],
                        },
                    ]
                }
            }
        }
    },
    "Service": {"spec": {"sessionAffinity": "ClientIP"}},
    "ServiceAccount": {"imagePullSecrets": [{"name": "registry"}]},
}


def apply_as_other(kubectl: Kubectl, namespace: str, kind: str, addition: dict[str, Any]) -> None:
    version = {"Deployment": "apps/v1"}.get(kind, "v1")
    metadata = {"name": NAME, "labels": {"team": "a"}, "annotations": {"team": "b"}}
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata} | addition
    options = ("--server-side", "--field-manager=team", "--namespace", namespace)
    kubectl.run("apply", *options, "-f", "-", stdin=json.dumps(manifest))


def containers_of(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    deployment = kubectl.get("deployment", NAME, namespace) or {}
    return {each["name"]: each for each in deployment["spec"]["template"]["spec"]["containers"]}


def environment_of(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    container = containers_of(kubectl, namespace)["runner"]
    return {each["name"]: each.get("value", "") for each in container["env"]}


def test_an_autoscaler_of_the_pool_has_its_way_and_the_deployment_follows(
    stage: Stage, kubectl: Kubectl
) -> None:
    with a_namespace(kubectl) as namespace:
        start_with_pool(stage, kubectl, namespace, **NOWHERE)
        kubectl.create(AUTOSCALER, namespace)
        # It scales up to its minimum without any metrics; it looks every 15 s.
        until(lambda: replicas_of(kubectl, namespace) == [3, 3], 60, "pool and Deployment are scaled")
        until(lambda: stage.count_writes(namespace) == 0, SOON, "nothing is written any more")
        kubectl.run("scale", "deployment", NAME, "--replicas=1", "--namespace", namespace)
        until(lambda: replicas_of(kubectl, namespace) == [3, 3], SOON, "what it said still counts")
        until(lambda: stage.count_writes(namespace) == 0, SOON, "nothing is written any more")


AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "runners"},
    "spec": {
        "scaleTargetRef": {"apiVersion": names.API_VERSION, "kind": "RunnerPool", "name": "default"},
        "minReplicas": 3,
        "maxReplicas": 5,
    },
}


def replicas_of(kubectl: Kubectl, namespace: str) -> list[int]:
    found = (kubectl.get("runnerpool", "default", namespace), kubectl.get("deployment", NAME, namespace))
    return [int(item["spec"]["replicas"]) for item in found if item]


@pytest.mark.parametrize(
    ("spec", "kind", "reason"),
    [({"source": "return ("}, "Compiled", "SyntaxError"), (FROM_CODE, "Ready", "SourceMissing")],
    ids=["a syntax error", "a source that is missing"],
)
def test_a_bad_change_of_a_script_leaves_nothing_once_it_is_undone(
    spec: dict[str, Any], kind: str, reason: str, stage: Stage, kubectl: Kubectl
) -> None:
    with a_namespace(kubectl) as namespace:
        wanted = start_with_pool(stage, kubectl, namespace, replicas=0)
        versions = versions_of(kubectl, namespace)
        apply_script(kubectl, namespace, spec)
        wait_for_condition(kubectl, namespace, kind, reason)
        apply_script(kubectl, namespace)
        wait_for_condition(kubectl, namespace, "Ready", "Ready")
        found = stage.settle(namespace)
        # A version is a change of the source: there and back are two.
        assert version_in(found) == version_in(wanted) + (2 if "source" in spec else 0)
        assert without_version(found) == without_version(wanted)
        # The pool and its parts were not even written.
        changed = {
            key for key, version in versions_of(kubectl, namespace).items() if versions[key] != version
        }
        assert changed == {"Script/hello"}


def version_in(objects: Any) -> int:
    return next(int(item["status"]["version"]) for item in objects if item["kind"] == "Script")


def without_version(objects: Any) -> Any:
    return [
        item | {"status": item["status"] | {"version": 0}} if item["kind"] == "Script" else item
        for item in objects
    ]


def test_a_pool_that_is_refused_is_as_before_once_the_change_is_undone(
    stage: Stage, kubectl: Kubectl
) -> None:
    with a_namespace(kubectl) as namespace:
        wanted = start_with_pool(stage, kubectl, namespace, replicas=0)
        refused = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
        apply_pool(kubectl, namespace, replicas=0, resources=refused)
        until(lambda: reason_of_pool(kubectl, namespace) == "Refused", SOON, "the pool tells of the refusal")
        apply_pool(kubectl, namespace, replicas=0)
        until_equal(lambda: describe(kubectl, namespace), wanted, SOON)
        until(lambda: reason_of_pool(kubectl, namespace) == "RunnersReady", SOON, "the pool is well again")


def reason_of_pool(kubectl: Kubectl, namespace: str) -> str:
    pool = kubectl.get("runnerpool", "default", namespace) or {}
    return str(pool["status"]["conditions"][0]["reason"])


def test_what_was_made_again_under_its_name_while_no_operator_ran_has_parts_and_a_status_of_its_own(
    stage: Stage, kubectl: Kubectl
) -> None:
    with a_namespace(kubectl) as namespace:
        operator = stage.start_alone()
        apply_pool(kubectl, namespace, replicas=0)
        apply_script(kubectl, namespace, {"source": "return 'first'"})
        stage.settle(namespace)
        operator.stop()
        kubectl.run("delete", "script/hello", "runnerpool/default", "--namespace", namespace)
        apply_pool(kubectl, namespace, replicas=0)
        apply_script(kubectl, namespace)
        stage.start_alone()
        found = stage.settle(namespace)
        assert owners_of_parts(kubectl, namespace) == {uid_of_pool(kubectl, namespace)}
        # The collector may still have to remove what the first pool owned; then that is made once more.
        until(lambda: stage.count_writes(namespace) == 0, SOON, "nothing is written any more")
        assert describe(kubectl, namespace) == found
        assert owners_of_parts(kubectl, namespace) == {uid_of_pool(kubectl, namespace)}
        with a_namespace(kubectl) as other:
            apply_pool(kubectl, other, replicas=0)
            apply_script(kubectl, other)
            assert stage.settle(other) == found


def uid_of_pool(kubectl: Kubectl, namespace: str) -> str:
    return str((kubectl.get("runnerpool", "default", namespace) or {})["metadata"]["uid"])


def owners_of_parts(kubectl: Kubectl, namespace: str) -> set[str]:
    parts = list_ours(kubectl, namespace, ",".join(PARTS))
    assert len(parts) == len(PARTS)
    return {owner["uid"] for part in parts for owner in part["metadata"]["ownerReferences"]}
