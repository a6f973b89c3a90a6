"""The operator against a real API server; whether runner pods come up is not its affair here."""

import json
from typing import Any

import pytest

from scriptorium_api import names
from tests.integration.operator.processes import StartOperator
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

NAME = names.pool_object_name("default")
PARTS = ("deployment", "service", "serviceaccount", "rolebinding", "networkpolicy")
FROM_CODE = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}

WITH_VALUE = {
    "source": "return 1",
    "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "payment", "key": "key"}}}],
}


def make_manifest(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": names.API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def apply_script(kubectl: Kubectl, namespace: str, spec: dict[str, Any] | None = None) -> None:
    kubectl.apply(make_manifest("Script", "hello", spec or {"source": "return 1"}), namespace)


def apply_pool(kubectl: Kubectl, namespace: str, **spec: Any) -> None:
    kubectl.apply(make_manifest("RunnerPool", "default", spec), namespace)


def apply_source(kubectl: Kubectl, namespace: str, source: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}}
    kubectl.apply(manifest | {"data": {"main.js": source}}, namespace)


def wait_for_condition(kubectl: Kubectl, namespace: str, kind: str, reason: str) -> dict[str, Any]:
    """Wait until the script's condition has this reason; gives the condition."""

    def look() -> dict[str, Any]:
        script = kubectl.get("script", "hello", namespace) or {}
        conditions = {item["type"]: item for item in script.get("status", {}).get("conditions", [])}
        found: dict[str, Any] = conditions.get(kind, {})
        return found if found.get("reason") == reason else {}

    return until(look, 20, f"{kind} is {reason}")


def version_of(kubectl: Kubectl, namespace: str) -> int:
    script = kubectl.get("script", "hello", namespace)
    assert script is not None
    return int(script["status"]["version"])


def wait_for_pool(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    """Wait until the pool has all its parts and a status."""

    def look() -> dict[str, Any]:
        pool = kubectl.get("runnerpool", "default", namespace) or {}
        has_parts = all(kubectl.get(kind, NAME, namespace) for kind in PARTS)
        return pool if has_parts and pool.get("status") else {}

    return until(look, 20, "the pool is complete")


def versions_of(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    kinds = ",".join(("script", "runnerpool", *PARTS))
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for item in kubectl.list(kinds, namespace)
        if item["metadata"]["name"] in ("hello", "default", NAME) and item["kind"] != "ServiceAccount"
    }


def test_a_script_gets_a_status_and_its_namespace_a_pool(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    operator = start_operator()
    apply_script(kubectl, namespace)
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    assert version_of(kubectl, namespace) == 1
    pool = wait_for_pool(kubectl, namespace)
    assert pool["status"]["selector"] == ",".join(
        f"{key}={value}" for key, value in names.runner_selector("default").items()
    )
    assert pool["metadata"]["labels"]["app.kubernetes.io/managed-by"] == names.MANAGER
    assert "spec" not in json.dumps(_fields_of(pool, names.MANAGER))
    assert operator.ask("/healthz") == 200


def _fields_of(item: dict[str, Any], manager: str) -> list[Any]:
    entries = item["metadata"].get("managedFields", [])
    return [entry["fieldsV1"] for entry in entries if entry["manager"] == manager]


def test_a_syntax_error_names_line_and_column_and_heals(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator()
    apply_script(kubectl, namespace, {"source": "let a = 1\nlet x = ;"})
    condition = wait_for_condition(kubectl, namespace, "Compiled", "SyntaxError")
    assert condition["message"].startswith("SyntaxError: ")
    assert condition["message"].endswith(" at 2:9")
    apply_script(kubectl, namespace, {"source": "let a = 1\nlet x = 2"})
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    assert version_of(kubectl, namespace) == 2


def test_a_source_follows_its_config_map(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator()
    apply_script(kubectl, namespace, FROM_CODE)
    missing = wait_for_condition(kubectl, namespace, "Ready", "SourceMissing")
    assert "code" in missing["message"]
    assert "main.js" in missing["message"]
    apply_source(kubectl, namespace, "return 1")
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    apply_source(kubectl, namespace, "return (")
    wait_for_condition(kubectl, namespace, "Compiled", "SyntaxError")
    apply_source(kubectl, namespace, "x" * 65537)
    wait_for_condition(kubectl, namespace, "Compiled", "SourceInvalid")
    assert version_of(kubectl, namespace) == 2


def test_a_restart_writes_nothing(start_operator: StartOperator, kubectl: Kubectl, namespace: str) -> None:
    operator = start_operator()
    # Without pods nobody but the operator has a reason to write.
    apply_pool(kubectl, namespace, replicas=0, resources={"limits": {"cpu": "1000m", "memory": "1024Mi"}})
    apply_script(kubectl, namespace)
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    until(lambda: _is_pool_ready(kubectl, namespace), 20, "a pool of no pods is ready")
    before = versions_of(kubectl, namespace)
    operator.stop()
    second = start_operator()
    marker = make_manifest("Script", "marker", {"source": "return 2"})
    kubectl.apply(marker, namespace)
    until(lambda: (kubectl.get("script", "marker", namespace) or {}).get("status"), 20)
    assert versions_of(kubectl, namespace) == before
    assert second.ask("/healthz") == 200


def test_a_restart_leaves_mounted_what_scripts_name(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    operator = start_operator()
    apply_pool(kubectl, namespace, replicas=0)
    apply_script(kubectl, namespace, WITH_VALUE)
    until(lambda: list_volumes(kubectl, namespace) == ["tmp", "values"], 20, "the value is mounted")
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    until(lambda: _is_pool_ready(kubectl, namespace), 20, "a pool of no pods is ready")
    before = versions_of(kubectl, namespace)
    operator.stop()
    start_operator()
    kubectl.apply(make_manifest("Script", "marker", {"source": "return 2"}), namespace)
    until(lambda: (kubectl.get("script", "marker", namespace) or {}).get("status"), 20)
    assert versions_of(kubectl, namespace) == before
    kubectl.run("delete", "script", "hello", "--namespace", namespace)
    until(lambda: list_volumes(kubectl, namespace) == ["tmp"], 20, "what nobody names is not mounted")


def list_volumes(kubectl: Kubectl, namespace: str) -> list[str]:
    """Give the names of the runner pods' volumes."""
    deployment = kubectl.get("deployment", NAME, namespace) or {}
    volumes = deployment.get("spec", {}).get("template", {}).get("spec", {}).get("volumes", [])
    return [volume["name"] for volume in volumes]


def _is_pool_ready(kubectl: Kubectl, namespace: str) -> bool:
    pool = wait_for_pool(kubectl, namespace)
    return bool(pool["status"]["conditions"][0]["status"] == "True")


def test_what_vanishes_or_is_bent_is_made_right_again(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator()
    apply_script(kubectl, namespace)
    wait_for_pool(kubectl, namespace)
    for kind in PARTS:
        kubectl.run("delete", kind, NAME, "--namespace", namespace)
    wait_for_pool(kubectl, namespace)
    kubectl.run("scale", "deployment", NAME, "--replicas=5", "--namespace", namespace)
    until(lambda: _replicas(kubectl, namespace) == 1, 20, "replicas are the pool's")
    kubectl.run("delete", "runnerpool", "default", "--namespace", namespace)
    wait_for_pool(kubectl, namespace)


def _replicas(kubectl: Kubectl, namespace: str) -> int:
    return int((kubectl.get("deployment", NAME, namespace) or {"spec": {"replicas": -1}})["spec"]["replicas"])


def test_a_pool_is_scaled_and_placed_by_its_spec(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator()
    apply_pool(kubectl, namespace, replicas=0, nodeSelector={"disk": "none"})
    wait_for_pool(kubectl, namespace)
    kubectl.run("scale", "runnerpool", "default", "--replicas=2", "--namespace", namespace)
    until(lambda: _replicas(kubectl, namespace) == 2, 20, "the Deployment follows")
    apply_pool(kubectl, namespace, replicas=0)
    until(lambda: _node_selector(kubectl, namespace) == {}, 20, "what is no longer asked for is gone")


def test_a_drain_takes_one_of_several_runners_and_a_single_one_too(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator()
    apply_pool(kubectl, namespace, replicas=2, nodeSelector={"disk": "none"})
    budget = until(lambda: kubectl.get("pdb", NAME, namespace), 20, "two runners have a budget")
    assert budget["spec"]["maxUnavailable"] == 1
    # The budget finds the pods' Deployment: else it would let none be taken for ever.
    until(lambda: _expected_pods(kubectl, namespace) == 2, 30, "the budget knows the runners")
    apply_pool(kubectl, namespace, replicas=1, nodeSelector={"disk": "none"})
    until(lambda: kubectl.get("pdb", NAME, namespace) is None, 20, "one runner has none")


def _expected_pods(kubectl: Kubectl, namespace: str) -> int:
    return int((kubectl.get("pdb", NAME, namespace) or {}).get("status", {}).get("expectedPods", 0))


def _node_selector(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    deployment = kubectl.get("deployment", NAME, namespace) or {}
    found: dict[str, str] = deployment["spec"]["template"]["spec"].get("nodeSelector", {})
    return found


def test_a_run_of_inline_source_gets_a_pool_too(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator()
    kubectl.create(make_manifest("ScriptExecution", "once", {"source": "return 1"}), namespace)
    wait_for_pool(kubectl, namespace)


def test_an_idle_pool_goes_with_all_its_parts_and_a_users_stays(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    start_operator(SCRIPTORIUM_POOL_IDLE_SECONDS="2")
    apply_script(kubectl, namespace)
    wait_for_pool(kubectl, namespace)
    kubectl.run("delete", "script", "hello", "--namespace", namespace)
    until(lambda: _remains(kubectl, namespace) == [], 60, "nothing is left")
    apply_pool(kubectl, namespace, replicas=0)
    wait_for_pool(kubectl, namespace)
    apply_script(kubectl, namespace)
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    kubectl.run("delete", "script", "hello", "--namespace", namespace)
    with pytest.raises(AssertionError):
        until(lambda: not kubectl.get("runnerpool", "default", namespace), 6)


def _remains(kubectl: Kubectl, namespace: str) -> list[str]:
    kinds = ",".join(("runnerpool", "replicaset", "pod", *PARTS))
    labels = "app.kubernetes.io/name=scriptorium"
    return [item["kind"] for item in kubectl.list(kinds, namespace, "--selector", labels)]


def test_with_the_operator_stopped_deleting_a_pool_still_cleans_up(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    operator = start_operator()
    apply_pool(kubectl, namespace, replicas=0)
    wait_for_pool(kubectl, namespace)
    operator.stop()
    kubectl.run("delete", "runnerpool", "default", "--namespace", namespace)
    until(lambda: _remains(kubectl, namespace) == [], 60, "nothing is left")


def test_a_namespace_that_is_deleted_is_left_alone(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    operator = start_operator()
    apply_script(kubectl, namespace)
    wait_for_pool(kubectl, namespace)
    kubectl.run("delete", "namespace", namespace, "--timeout=60s")
    kubectl.run("create", "namespace", namespace)
    assert "not up to date yet" not in operator.read_log()
