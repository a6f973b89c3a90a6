"""A script reaches a Service that platform and manifest both name, and nothing else that is inside."""

import ipaddress
import json
from typing import Any

import pytest

from scriptorium_api import address_ranges
from tests.support.helm import Helm
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect

pytestmark = pytest.mark.cluster

API_SERVER = "kubernetes.default.svc.cluster.local"
METADATA = "169.254.169.254"

SOURCE = """
const reach = async (url) => {
  try {
    const { status, body } = await http.get(url, { timeoutMs: 5000 });
    return `${status} ${body.trim()}`;
  } catch (error) {
    return `${error.name}: ${error.code}`;
  }
};
const answers = {};
for (const name of Object.keys(input)) answers[name] = await reach(input[name]);
return answers;
"""


def make_site(kubectl: Kubectl, namespace: str, image: str) -> dict[str, Any]:
    """Have a pod that says hello, behind two Services; give the pod."""
    labels = {"app": "site"}
    container = {
        "name": "site",
        "image": image,
        "command": ["python3", "-m", "http.server", "8080", "--directory", "/site"],
        "volumeMounts": [{"name": "site", "mountPath": "/site"}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    volume = {"name": "site", "configMap": {"name": "site"}}
    kubectl.create(config_map({"index.html": "hello"}), namespace)
    kubectl.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "site", "labels": labels},
            "spec": {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0},
        },
        namespace,
    )
    for name in ("open", "hidden"):
        kubectl.create(service(name, labels), namespace)
    kubectl.run("wait", "pod/site", "--for=condition=Ready", "--namespace", namespace, "--timeout=120s")
    pod = kubectl.get("pod", "site", namespace)
    assert pod
    return pod


def config_map(data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "site"}, "data": data}


def service(name: str, selector: dict[str, str]) -> dict[str, Any]:
    spec = {"selector": selector, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def find_image(kubectl: Kubectl, release: str) -> str:
    """Give the image of the release, which has a Python in it."""
    deployment = kubectl.get("deployment", "scriptorium-operator", release)
    assert deployment
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def find_service_address(kubectl: Kubectl, namespace: str, name: str) -> str:
    found = kubectl.get("service", name, namespace)
    assert found
    return str(found["spec"]["clusterIP"])


def open_ranges(helm: Helm, addresses: list[str]) -> None:
    """Have the platform open exactly these addresses, as far as they are private."""
    networks = [ipaddress.ip_network(address) for address in addresses]
    ranges = [str(network) for network in networks if address_ranges.is_private(network)]
    helm.upgrade(f"--set-json=http.privateCIDRs={json.dumps(ranges)}", "--wait", "--timeout=3m")


def test_a_script_reaches_what_platform_and_manifest_both_name_and_nothing_else_inside(
    helm: Helm, kubectl: Kubectl, release: str, namespace: str
) -> None:
    pod = make_site(kubectl, namespace, find_image(kubectl, release))
    node = pod["status"]["hostIP"]
    # The policy sees the pod where the guard sees the Service. Node and API server are opened in vain.
    open_ranges(
        helm,
        [
            find_service_address(kubectl, namespace, "open"),
            pod["status"]["podIP"],
            find_service_address(kubectl, "default", "kubernetes"),
            node,
        ],
    )
    site, hidden = (f"{name}.{namespace}.svc.cluster.local" for name in ("open", "hidden"))
    urls = {
        "open": f"http://{site}/",
        "hidden": f"http://{hidden}/",
        "otherPort": f"http://{site}:8080/",
        "apiServer": f"https://{API_SERVER}/",
        "node": f"https://{node}:10250/",
        "metadata": f"http://{METADATA}/",
        "loopback": "http://127.0.0.1:8081/metrics",
    }
    allow = [site, hidden, API_SERVER, f"{node}:10250"]
    kubectl.apply(script("caller", source=SOURCE, permissions={"http": {"allow": allow}}), namespace)
    kubectl.apply(script("stranger", source=SOURCE), namespace)
    kubectl.create(execution("in-the-pool", scriptRef={"name": "caller"}, input=urls), namespace)
    kubectl.create(execution("stranger", scriptRef={"name": "stranger"}, input=urls), namespace)
    in_a_pod = execution("in-a-pod", scriptRef={"name": "caller"}, input=urls, isolation="Pod")
    kubectl.create(in_a_pod, namespace)

    address_refused, host_refused = "HttpError: ADDRESS_NOT_ALLOWED", "HttpError: HOST_NOT_ALLOWED"
    answers = {
        "open": "200 hello",
        "hidden": address_refused,
        "otherPort": host_refused,
        "apiServer": address_refused,
        "node": address_refused,
        "metadata": host_refused,
        "loopback": host_refused,
    }
    expect_output(kubectl, namespace, "in-the-pool", answers)
    expect_output(kubectl, namespace, "in-a-pod", answers)
    expect_output(kubectl, namespace, "stranger", dict.fromkeys(urls, host_refused))

    found = kubectl.get("sx", "in-the-pool", namespace)
    assert found is not None
    kubectl.wait_ready(found["status"]["runner"]["pod"], namespace)
    place = ("--namespace", namespace, "--tail=-1", "-l", "app.kubernetes.io/component=runner")
    told = [
        json.loads(line) for line in kubectl.run("logs", *place).splitlines() if "http call denied" in line
    ]
    assert ("caller", API_SERVER, "ADDRESS_NOT_ALLOWED") in {
        (line["script"], line["host"], line["code"]) for line in told
    }


def expect_output(kubectl: Kubectl, namespace: str, name: str, output: dict[str, str]) -> None:
    status = {"phase": "Succeeded", "output": output}
    expect({"kind": "ScriptExecution", "metadata": {"name": name}, "status": status}, kubectl, namespace)


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("host", [METADATA, "127.0.0.1", "[::1]", "localhost"])
def test_a_manifest_cannot_even_name_what_is_never_reached(
    host: str, kubectl: Kubectl, namespace: str
) -> None:
    wrong = script("wrong", source="return 1;", permissions={"http": {"allow": [host]}})
    done = kubectl.attempt("create", "--namespace", namespace, "-f", "-", stdin=json.dumps(wrong))
    assert "spec.permissions.http.allow[0]" in done.stderr
    assert kubectl.list("scripts", namespace) == []
