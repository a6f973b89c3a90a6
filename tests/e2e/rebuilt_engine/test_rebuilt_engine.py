"""The image has the engine that was compiled for it."""

import json

import pytest

from engine_build import recipe
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script

#: NetworkPolicies let nobody in from outside.
READ = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8081/metrics').read().decode())"

pytestmark = pytest.mark.cluster


@pytest.mark.usefixtures("release")
def test_a_runner_has_the_engine_of_the_recipe_and_says_so(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("count", source="return [1, 2, 3].length;"), namespace)
    kubectl.create(execution("once", scriptRef={"name": "count"}), namespace)
    kubectl.run("wait", "sx/once", "--namespace", namespace, "--for=condition=Complete", "--timeout=120s")
    found = kubectl.get("sx", "once", namespace)
    assert found is not None
    pod = found["status"]["runner"]["pod"]
    kubectl.wait_ready(pod, namespace)
    lines = [json.loads(line) for line in kubectl.run("logs", pod, "--namespace", namespace).splitlines()]
    (ready,) = [line for line in lines if line["message"] == "sandbox ready"]
    assert ready["snapshot"] is True
    assert ready["engine"].startswith(f"{recipe.MARK_BEGINS}{' '.join(recipe.FLAGS)}, ")
    command = ["/opt/scriptorium/bin/python", "-c", READ]
    metrics = kubectl.run("exec", pod, "--namespace", namespace, "--", *command).splitlines()
    assert f'scriptorium_engine_info{{build="rebuilt",version="{recipe.VERSION}"}} 1.0' in metrics
