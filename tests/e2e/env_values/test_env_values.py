"""Values that come and change while a namespace is at work."""

import json
from typing import Any

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

#: The kubelet looks once a minute, and what it has cached may be a minute old.
KUBELET_SECONDS = 150

BUSY = "const end = Date.now() + input.ms; while (Date.now() < end); return ctx.execution.attempt;"


def apply_secret(kubectl: Kubectl, namespace: str, **texts: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "payment"}, "stringData": texts}
    kubectl.apply(manifest, namespace)


def apply_charge(kubectl: Kubectl, namespace: str, name: str = "charge", key: str = "key") -> None:
    value = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "payment", "key": key}}}
    kubectl.apply(script(name, source="return { key: env.KEY };", env=[value]), namespace)


def start(kubectl: Kubectl, namespace: str, name: str, of: str = "charge", **spec: Any) -> None:
    kubectl.create(execution(name, scriptRef={"name": of}, **spec), namespace)


def status_of(kubectl: Kubectl, namespace: str, name: str) -> dict[str, Any]:
    found = kubectl.get("sx", name, namespace)
    assert found
    status: dict[str, Any] = found["status"]
    return status


def reach(kubectl: Kubectl, namespace: str, name: str, phase: str, seconds: float = 60) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        status = status_of(kubectl, namespace, name)
        return status if status["phase"] == phase else {}

    return until(look, seconds, f"{name} is {phase}")


def pending(kubectl: Kubectl, namespace: str) -> str:
    """Give what the pool's condition SecretsPending says."""
    pool = kubectl.get("rp", "default", namespace) or {}
    conditions = {each["type"]: each for each in pool.get("status", {}).get("conditions", [])}
    return str(conditions.get("SecretsPending", {}).get("status", "absent"))


def wait_until_ready(kubectl: Kubectl, namespace: str) -> None:
    until(lambda: kubectl.get("rp", "default", namespace))
    kubectl.run("wait", "rp/default", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s")


def test_a_new_name_replaces_the_pods_and_no_run_is_lost(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("busy", source=BUSY, limits={"timeoutSeconds": 60}), namespace)
    wait_until_ready(kubectl, namespace)
    assert pending(kubectl, namespace) == "absent"
    start(kubectl, namespace, "busy-1", of="busy", input={"ms": 20_000})
    former = reach(kubectl, namespace, "busy-1", "Running")["runner"]["pod"]

    apply_secret(kubectl, namespace, key="one")
    apply_charge(kubectl, namespace)
    start(kubectl, namespace, "charge-1")
    until(lambda: pending(kubectl, namespace) == "True", 20, "the pool says that values are pending")
    charged = reach(kubectl, namespace, "charge-1", "Succeeded", 120)
    assert charged["output"] == {"key": "one"}
    assert charged["runner"]["pod"] != former

    busy = reach(kubectl, namespace, "busy-1", "Succeeded")
    assert (busy["runner"]["pod"], busy["output"]) == (former, {"value": 1})
    until(lambda: pending(kubectl, namespace) == "False", 60, "all pods have the values")
    file = "/run/scriptorium/values/secrets/payment/key"
    kubectl.wait_ready(charged["runner"]["pod"], namespace)
    look = ("exec", charged["runner"]["pod"], "--namespace", namespace, "--", "stat", "-Lc", "%a %u %g", file)
    assert kubectl.run(*look).split() == ["440", "0", "65532"]


def test_a_changed_value_and_a_new_key_reach_the_runners_in_time(kubectl: Kubectl, namespace: str) -> None:
    apply_secret(kubectl, namespace, key="one")
    apply_charge(kubectl, namespace)
    apply_charge(kubectl, namespace, "late", "late-key")
    wait_until_ready(kubectl, namespace)
    start(kubectl, namespace, "charge-1")
    assert reach(kubectl, namespace, "charge-1", "Succeeded")["output"] == {"key": "one"}
    start(kubectl, namespace, "late-1", of="late")
    until(lambda: status_of(kubectl, namespace, "late-1")["reason"] == "SecretsPending", 20)
    assert '"late-key"' in status_of(kubectl, namespace, "late-1")["message"]
    before = generation_of(kubectl, namespace)

    patch = json.dumps({"stringData": {"key": "two", "late-key": "here"}})
    kubectl.run("patch", "secret", "payment", "--namespace", namespace, "--type=merge", "--patch", patch)
    late = reach(kubectl, namespace, "late-1", "Succeeded", KUBELET_SECONDS)
    assert late["output"] == {"key": "here"}
    # Both keys changed at once, so they are seen at once; and nothing had to be replaced for it.
    start(kubectl, namespace, "charge-2")
    assert reach(kubectl, namespace, "charge-2", "Succeeded")["output"] == {"key": "two"}
    assert generation_of(kubectl, namespace) == before


def generation_of(kubectl: Kubectl, namespace: str) -> int:
    found = kubectl.get("deployment", "scriptorium-runner-default", namespace)
    assert found
    generation: int = found["metadata"]["generation"]
    return generation
