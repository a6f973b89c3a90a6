"""Deleting a namespace takes everything with it, while runs are in progress."""

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


@pytest.mark.usefixtures("release")
def test_a_deleted_namespace_goes_away_with_its_runs_and_runners(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("endless", source="for (;;) {}", limits={"timeoutSeconds": 600}), namespace)
    kubectl.create(execution("run", scriptRef={"name": "endless"}), namespace)
    expect(
        {"kind": "ScriptExecution", "metadata": {"name": "run"}, "status": {"phase": "Running"}},
        kubectl,
        namespace,
    )
    kubectl.run("delete", "namespace", namespace, "--wait=false")
    # The runner drains for up to 30 s, then is gone; so is the namespace.
    until(lambda: kubectl.get("namespace", namespace) is None, 120)
    kubectl.run("create", "namespace", namespace)
