"""The operator is never in the data path."""

from collections.abc import Iterator

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


@pytest.fixture
def stopped(kubectl: Kubectl, release: str, namespace: str) -> Iterator[None]:
    """The operator ends while a run is in progress, and is back at the end."""
    kubectl.apply(
        script("slow", source="const end = Date.now() + 8000; while (Date.now() < end); return 1;"), namespace
    )
    kubectl.create(execution("in-progress", scriptRef={"name": "slow"}), namespace)
    expect(
        {"kind": "ScriptExecution", "metadata": {"name": "in-progress"}, "status": {"phase": "Running"}},
        kubectl,
        namespace,
    )
    place = ("deployment/scriptorium-operator", "--namespace", release)
    before = kubectl.get("deployment", "scriptorium-operator", release)
    assert before
    kubectl.run("scale", *place, "--replicas=0")
    until(lambda: not kubectl.list("pods", release, "-l", "app.kubernetes.io/component=operator"), 90)
    yield
    kubectl.run("scale", *place, f"--replicas={before['spec']['replicas']}")
    kubectl.run("rollout", "status", *place, "--timeout=120s")


@pytest.mark.usefixtures("stopped")
def test_with_the_operator_stopped_runs_go_on(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("new", source="return input.a * 2;"), namespace)
    kubectl.create(execution("begun-without-it", scriptRef={"name": "new"}, input={"a": 21}), namespace)
    for name, output in (("in-progress", 1), ("begun-without-it", 42)):
        status = {"phase": "Succeeded", "output": {"value": output}}
        expect({"kind": "ScriptExecution", "metadata": {"name": name}, "status": status}, kubectl, namespace)
