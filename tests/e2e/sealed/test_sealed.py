"""Scripts run sealed in a pod that has no right but the least."""

import json
from typing import Any

import pytest

from scriptorium_runner.engine import Layer
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script

pytestmark = pytest.mark.cluster

#: What the pod's own user sees of the processes that run scripts, the grandchildren of process 1.
LOOK = """
import json, os, pathlib

def read(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)

def attempt(path):
    try:
        return open(path, "rb").read().decode()
    except OSError as error:
        return type(error).__name__

others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
processes = {pid: read(pid) for pid in others}
zygotes = {pid for pid, status in processes.items() if int(status["PPid"]) == 1}
print(json.dumps([
    [status["NoNewPrivs"], status["Seccomp"], status["CapEff"].strip("0"), attempt(f"/proc/{pid}/environ")]
    for pid, status in processes.items() if int(status["PPid"]) in zygotes
]))
"""


@pytest.mark.usefixtures("release")
def test_a_script_runs_sealed_under_the_restricted_pod_security_standard(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    kubectl.apply(script("count", source="return [1, 2, 3].length;"), namespace)
    kubectl.create(execution("once", scriptRef={"name": "count"}), namespace)
    kubectl.run("wait", "sx/once", "--namespace", namespace, "--for=condition=Complete", "--timeout=120s")
    found = kubectl.get("sx", "once", namespace)
    assert found is not None
    assert found["status"]["usage"]["peakMemoryMB"] > 1
    pod = found["status"]["runner"]["pod"]
    kubectl.wait_ready(pod, namespace)
    workers = json.loads(
        kubectl.run("exec", pod, "--namespace", namespace, "--", "/opt/scriptorium/bin/python", "-c", LOOK)
    )
    assert len(workers) >= 10
    # A filter of its own beside the container runtime's, and not for the eyes of its own user.
    assert {tuple(worker) for worker in workers} == {("1", "2", "", "PermissionError")}
    assert find_layers(kubectl, pod, namespace) == {"layers": list(Layer), "missing": {}}


def find_layers(kubectl: Kubectl, pod: str, namespace: str) -> dict[str, Any]:
    """Give what the runner logged of its sandbox."""
    lines = [json.loads(line) for line in kubectl.run("logs", pod, "--namespace", namespace).splitlines()]
    (ready,) = [line for line in lines if line["message"] == "sandbox ready"]
    return {key: ready[key] for key in ("layers", "missing")}
