"""Nothing waits for an operator that is gone: all objects and namespaces can be deleted, in any order."""

import secrets
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Operator
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect
from tests.support.waiting import until, until_equal

pytestmark = pytest.mark.cluster

KINDS = ("script", "scriptexecution", "runnerpool")

#: Each namespace is cleared in another order; the last one is deleted as it is.
ORDERS = (KINDS, KINDS[::-1], ("runnerpool", "script", "scriptexecution"), ())

#: What is made of ours in a namespace, or by Kubernetes from that.
MADE = "deployment,replicaset,pod,service,rolebinding,networkpolicy"


@pytest.fixture
def namespaces(kubectl: Kubectl) -> Iterator[list[str]]:
    """A namespace for each order."""
    names = [f"test-{secrets.token_hex(4)}" for _ in ORDERS]
    for name in names:
        kubectl.run("create", "namespace", name)
    yield names
    for name in names:
        kubectl.run("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def test_everything_can_be_deleted_in_any_order_with_the_operator_gone_and_runs_in_progress(
    kubectl: Kubectl, operator: Operator, namespaces: list[str]
) -> None:
    for namespace in namespaces:
        start_endless_run(kubectl, namespace)
    for namespace in namespaces:
        wait_until_it_runs(kubectl, namespace)
    operator.stop()
    for namespace, order in zip(namespaces, ORDERS, strict=True):
        for kind in order:
            kubectl.run("delete", kind, "--all", "--namespace", namespace, "--timeout=30s")
    for namespace in namespaces[:-1]:
        # A runner that has a run lets it go on for 30 s.
        until_equal(lambda namespace=namespace: list_made(kubectl, namespace), [], 90)  # type: ignore[misc]
    for namespace in namespaces:
        kubectl.run("delete", "namespace", namespace, "--wait=false")
    until(lambda: not any(kubectl.get("namespace", name) for name in namespaces), 120, "all are gone")


def start_endless_run(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("endless", source="for (;;) {}", limits={"timeoutSeconds": 600}), namespace)
    kubectl.create(execution("run", scriptRef={"name": "endless"}), namespace)


def wait_until_it_runs(kubectl: Kubectl, namespace: str) -> None:
    running = {"kind": "ScriptExecution", "metadata": {"name": "run"}, "status": {"phase": "Running"}}
    expect(running, kubectl, namespace)


def list_made(kubectl: Kubectl, namespace: str) -> list[str]:
    return kubectl.run("get", MADE, "--namespace", namespace, "--output=name").split()
