"""Endpoints against a real API server; whether anybody serves them is not the operator's affair."""

from typing import Any

import pytest

from tests.integration.operator.processes import StartOperator
from tests.integration.operator.test_operator import (
    apply_pool,
    apply_script,
    make_manifest,
    wait_for_condition,
    wait_for_pool,
)
from tests.support.kubectl import Kubectl
from tests.support.waiting import until, until_equal

pytestmark = pytest.mark.cluster


def apply_endpoint(kubectl: Kubectl, namespace: str, name: str, **spec: Any) -> None:
    """Have an Endpoint whose Ingress no controller sees to: one writes its address there when it likes."""
    asked = {
        "scriptRef": {"name": "hello"},
        "auth": [{"none": {}}],
        "host": f"{namespace}.example.com",
        "ingressClassName": "nobody",
    }
    kubectl.apply(make_manifest("Endpoint", name, asked | spec), namespace)


def reason_of(kubectl: Kubectl, namespace: str, name: str) -> str:
    found = kubectl.get("sep", name, namespace) or {}
    conditions = found.get("status", {}).get("conditions", [])
    return next((each["reason"] for each in conditions if each["type"] == "Ready"), "")


def versions_of(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    found = kubectl.list("scriptendpoints,ingresses", namespace)
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["resourceVersion"] for item in found
    }


def test_a_restart_writes_no_endpoint_and_no_ingress_anew(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    operator = start_operator()
    apply_pool(kubectl, namespace, replicas=0)
    apply_script(kubectl, namespace)
    wait_for_condition(kubectl, namespace, "Ready", "Ready")
    wait_for_pool(kubectl, namespace)
    secret = {"apiKey": {"secretRef": {"name": "keys"}}}
    apply_endpoint(kubectl, namespace, "a", path="/a/{id}", auth=[secret])
    tls = {"secretName": "certificate"}
    apply_endpoint(kubectl, namespace, "b", path="/b", tls=tls)
    apply_endpoint(kubectl, namespace, "c", path="/b", tls=tls, methods=["GET", "POST"])
    until_equal(lambda: reason_of(kubectl, namespace, "a"), "RunnersNotReady", 30)
    # Both may be of one second: then the UID decides who has the path.
    until_equal(
        lambda: {reason_of(kubectl, namespace, name) for name in ("b", "c")},
        {"RunnersNotReady", "Conflict"},
        30,
    )
    before = versions_of(kubectl, namespace)
    assert len(before) == 5
    operator.stop()
    start_operator()
    apply_endpoint(kubectl, namespace, "marker", path="/marker", host=f"marker.{namespace}.example.com")
    until(lambda: reason_of(kubectl, namespace, "marker") == "RunnersNotReady", 30, "the new one is at work")
    assert before.items() <= versions_of(kubectl, namespace).items()
    assert operator_writes_nothing_more(kubectl, namespace)


def operator_writes_nothing_more(kubectl: Kubectl, namespace: str) -> bool:
    """Say whether a change that concerns nobody leaves all the others as they are."""
    before = versions_of(kubectl, namespace)
    apply_endpoint(kubectl, namespace, "last", path="/last", host=f"last.{namespace}.example.com")
    until(lambda: reason_of(kubectl, namespace, "last") == "RunnersNotReady", 30)
    return before.items() <= versions_of(kubectl, namespace).items()
