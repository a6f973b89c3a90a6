"""`helm test` says whether an installation works, and if it does not, why."""

from typing import Any

import pytest

from tests.support.helm import Helm
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

NAME = "scriptorium-test"
KINDS = "pods,serviceaccounts,roles,rolebindings,scripts,scriptexecutions"


def find_leftovers(kubectl: Kubectl, *namespaces: str) -> list[str]:
    """Give what is there of the test: of the helm hooks, and of what they made."""
    items = [item for namespace in namespaces for item in kubectl.list(KINDS, namespace)]
    return [item["kind"] for item in items if item["metadata"]["name"].startswith(NAME)]


def test_an_installation_that_works_passes_and_nothing_is_left(
    helm: Helm, kubectl: Kubectl, namespace: str
) -> None:
    helm.upgrade(f"--set=test.namespace={namespace}", "--wait", "--timeout=3m")
    done = helm.test()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert f"scriptorium works: a Script ran in namespace {namespace} and gave" in said
    assert find_leftovers(kubectl, namespace, helm.namespace) == []


def test_the_namespace_of_the_release_is_where_it_runs_unless_told(helm: Helm, kubectl: Kubectl) -> None:
    done = helm.test()
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert f"a Script ran in namespace {helm.namespace}" in said
    assert find_leftovers(kubectl, helm.namespace) == []


def test_an_operator_that_does_not_work_is_named_with_the_cause(
    helm: Helm, kubectl: Kubectl, namespace: str
) -> None:
    quick = ("--set=test.timeoutSeconds=5", f"--set=test.namespace={namespace}")
    # The second finds the operator stopped by the first: else its former pods would go on.
    for values, cause in (
        ("operator.replicas=0", "the operator is stopped: Deployment scriptorium-operator asks for 0"),
        ("operator.replicas=2,operator.priorityClassName=absent", "no PriorityClass with name absent"),
    ):
        helm.upgrade(*quick, f"--set={values}")
        until(lambda: not find_operators(kubectl, helm.namespace), 60, "no operator is left")
        done = helm.test()
        said = done.stdout + done.stderr
        assert done.returncode != 0, said
        assert "scriptorium does not work: " in said
        assert cause in said
        assert find_leftovers(kubectl, namespace, helm.namespace) == []


def find_operators(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    return kubectl.list("pods", namespace, "--selector=app.kubernetes.io/component=operator")
