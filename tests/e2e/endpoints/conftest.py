"""A namespace whose Endpoints are reached through the cluster's ingress controller."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import endpoint
from tests.support.visitors import Visitor
from tests.support.waiting import until

Manifest = dict[str, Any]

PUBLIC: list[Manifest] = [{"none": {}}]


@dataclass(frozen=True, slots=True)
class Site:
    """One host of one namespace."""

    kubectl: Kubectl
    namespace: str
    host: str
    controller: str
    """The address of the ingress controller."""

    @property
    def visitor(self) -> Visitor:
        """Give a caller that comes through the ingress controller."""
        return Visitor(self.controller, self.host)

    @property
    def direct(self) -> Visitor:
        """Give a caller that asks the pool's Service, without anything between."""
        service = self.kubectl.get("service", "scriptorium-runner-default", self.namespace)
        assert service
        return Visitor(service["spec"]["clusterIP"], self.host, 8080)

    def serve(self, name: str, path: str, source: str, **spec: Any) -> None:
        """Apply an Endpoint of this source and wait until it says that it is ready."""
        self.apply(name, path, source, **spec)
        self.wait(name, "Ready")

    def apply(self, name: str, path: str, source: str, **spec: Any) -> None:
        """Apply an Endpoint of this source, public if the spec does not say otherwise."""
        common = {"host": self.host, "path": path, "auth": PUBLIC, "script": {"source": source}}
        self.kubectl.apply(endpoint(name, **common | spec), self.namespace)

    def explain(self, name: str) -> str:
        """Give what the conditions of an Endpoint say."""
        found = self.kubectl.get("scriptendpoint", name, self.namespace)
        assert found
        return "\n".join(each["message"] for each in found["status"].get("conditions", []))

    def wait(self, name: str, condition: str) -> None:
        """Wait until a condition of an Endpoint is true."""
        place = (f"scriptendpoint/{name}", "--namespace", self.namespace)
        self.kubectl.run("wait", *place, f"--for=condition={condition}", "--timeout=120s")

    def wait_for(self, target: str, status: int = 200) -> None:
        """Wait until the ingress controller knows of a path too."""
        until(lambda: self.visitor.get(target).status == status, 60, f"{target} is answered with {status}")


@pytest.fixture(scope="session")
def controller(kubectl: Kubectl) -> str:
    """The address of the ingress controller: that of the only node."""
    (node,) = kubectl.list("nodes", "default")
    addresses = {each["type"]: each["address"] for each in node["status"]["addresses"]}
    return str(addresses["InternalIP"])


def open_site(kubectl: Kubectl, controller: str) -> Iterator[Site]:
    """Make a namespace, and remove it."""
    name = f"test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", name)
    yield Site(kubectl, name, f"{name}.example.com", controller)
    kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def shared_site(kubectl: Kubectl, release: str, controller: str) -> Iterator[Site]:
    """A site that all tests of a file share."""
    yield from open_site(kubectl, controller)


@pytest.fixture
def site(kubectl: Kubectl, release: str, controller: str) -> Iterator[Site]:
    """A site of the test's own."""
    yield from open_site(kubectl, controller)
