"""After `helm uninstall` and deletion of the CRDs nothing is left, with a run in progress. The last test."""

import subprocess

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect
from tests.support.waiting import until_equal

pytestmark = pytest.mark.cluster

PLURALS = ("scripts", "scriptexecutions", "cronscripts", "scriptendpoints", "runnerpools")
CRDS = [f"{plural}.scriptorium.dev" for plural in PLURALS]


def test_after_uninstalling_and_deleting_the_crds_nothing_is_left(
    kubectl: Kubectl, release: str, namespace: str
) -> None:
    kubectl.apply(script("hello", source="return 1;"), namespace)
    kubectl.create(execution("run", scriptRef={"name": "hello"}), namespace)
    kubectl.create(execution("endless", source="for (;;) {}", limits={"timeoutSeconds": 600}), namespace)
    for name, phase in (("run", "Succeeded"), ("endless", "Running")):
        found = {"kind": "ScriptExecution", "metadata": {"name": name}, "status": {"phase": phase}}
        expect(found, kubectl, namespace)
    helm = ["helm", "--kubeconfig", kubectl.kubeconfig, "uninstall", "scriptorium", "--namespace", release]
    subprocess.run([*helm, "--wait", "--timeout=120s"], check=True, capture_output=True, timeout=150)
    assert kubectl.get("sx", "run", namespace), "uninstalling the release keeps every team's objects"
    kubectl.run("delete", "crd", *CRDS, "--timeout=120s")
    until_equal(lambda: find_leftovers(kubectl), [], 120)
    kubectl.run("delete", "namespace", release, "--timeout=60s")


def find_leftovers(kubectl: Kubectl) -> list[str]:
    """Give everything in the cluster that bears our name, of every kind that can be listed."""
    kinds = kubectl.run("api-resources", "--verbs=list", "--output=name").split()
    # Events are history, and go away by themselves.
    listed = ",".join(kind for kind in kinds if not kind.startswith("events"))
    names = kubectl.run("get", listed, "--all-namespaces", "--output=name", "--ignore-not-found").split()
    return [name for name in names if "scriptorium" in name and name != "namespace/scriptorium-system"]
