"""The operator is never in the data path."""

import pytest

from tests.e2e.conftest import Operator
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect

pytestmark = pytest.mark.cluster

SLOW = "const end = Date.now() + 8000; while (Date.now() < end); return 1;"


def test_with_the_operator_stopped_runs_go_on(kubectl: Kubectl, operator: Operator, namespace: str) -> None:
    kubectl.apply(script("slow", source=SLOW), namespace)
    kubectl.create(execution("in-progress", scriptRef={"name": "slow"}), namespace)
    expect(
        {"kind": "ScriptExecution", "metadata": {"name": "in-progress"}, "status": {"phase": "Running"}},
        kubectl,
        namespace,
    )
    operator.stop()
    kubectl.apply(script("new", source="return input.a * 2;"), namespace)
    kubectl.create(execution("begun-without-it", scriptRef={"name": "new"}, input={"a": 21}), namespace)
    for name, output in (("in-progress", 1), ("begun-without-it", 42)):
        status = {"phase": "Succeeded", "output": {"value": output}}
        expect({"kind": "ScriptExecution", "metadata": {"name": name}, "status": status}, kubectl, namespace)
