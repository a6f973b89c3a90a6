"""What every story needs: the installed release."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.helm import RELEASE, Helm
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

_DEPLOYMENT = "scriptorium-operator"


@pytest.fixture(scope="session")
def release(kubectl: Kubectl) -> str:
    """The namespace of the installed release."""
    name = "scriptorium-system"
    found = kubectl.get("deployment", _DEPLOYMENT, name)
    assert found, "Scriptorium is not installed: run `make install` first"
    return name


@pytest.fixture
def helm(kubectl: Kubectl, release: str) -> Iterator[Helm]:
    """helm on the installed release, which is as it was in the end."""
    found = Helm(kubectl.kubeconfig, release)
    selector = f"--selector=owner=helm,status=deployed,name={RELEASE}"
    (before,) = kubectl.list("secrets", release, selector)
    yield found
    found.run("rollback", RELEASE, before["metadata"]["labels"]["version"], "--wait", "--timeout=3m")


@dataclass(frozen=True, slots=True)
class Operator:
    """The installed operator."""

    kubectl: Kubectl
    namespace: str
    replicas: int

    def stop(self) -> None:
        """End all of its replicas."""
        self._scale(0)
        label = "app.kubernetes.io/component=operator"
        until(lambda: not self.kubectl.list("pods", self.namespace, "-l", label), 90, "the operator is gone")

    def start(self) -> None:
        """Have all of its replicas again."""
        self._scale(self.replicas)
        place = (f"deployment/{_DEPLOYMENT}", "--namespace", self.namespace)
        self.kubectl.run("rollout", "status", *place, "--timeout=120s")

    def _scale(self, replicas: int) -> None:
        place = (f"deployment/{_DEPLOYMENT}", "--namespace", self.namespace)
        self.kubectl.run("scale", *place, f"--replicas={replicas}")


@pytest.fixture
def operator(kubectl: Kubectl, release: str) -> Iterator[Operator]:
    """The operator, that a test may stop; it is back at the end."""
    deployment = kubectl.get("deployment", _DEPLOYMENT, release)
    assert deployment
    found = Operator(kubectl, release, deployment["spec"]["replicas"])
    yield found
    found.start()
