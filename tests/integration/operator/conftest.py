"""The operator as a process of the checkout, with the rights of the chart's account and no others."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scriptorium_client import load_config
from tests.faults.proxy import FaultProxy
from tests.integration.chart.rendering import NAMESPACE, render
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

DEPLOYMENT = "scriptorium-operator"
ROLES = ("templates/operator-rbac.yaml", "templates/runner-rbac.yaml")


class OperatorProcess:
    """One run of the operator."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        self._port = environment["SCRIPTORIUM_HEALTH_PORT"]
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).with_name("scriptorium-operator"))],
                env=os.environ | environment,
                stdout=file,
                stderr=file,
            )

    def is_running(self) -> bool:
        """Say whether it has not ended."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until it has seen everything once."""
        until(lambda: self.ask("/readyz") == 200, 60, "the operator is ready")

    def ask(self, path: str) -> int:
        """Give the status that it answers with, 0 for none."""
        assert self.is_running(), f"the operator ended:\n{self.read_log()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return int(error.code)
        except OSError:
            return 0

    def read_log(self) -> str:
        """Give what it has logged."""
        return self._log.read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait until it has ended; gives its exit code."""
        return self._process.wait(60)

    def kill(self) -> None:
        """End it as a lost node does: without a word."""
        self._process.kill()
        self._process.wait(20)

    def stop(self) -> None:
        """End it as the kubelet does."""
        self._process.terminate()
        assert self._process.wait(20) == 0, self.read_log()


StartOperator = Callable[..., OperatorProcess]


@pytest.fixture(scope="module")
def _installed_operator_rests(kubectl: Kubectl) -> Iterator[dict[str, Any] | None]:
    """Nobody else works on the same objects meanwhile; it is back before the next module's tests."""
    installed = kubectl.get("deployment", DEPLOYMENT, NAMESPACE)
    if installed is None:
        yield None
        return
    scale = ("scale", "deployment", DEPLOYMENT, "--namespace", NAMESPACE)
    kubectl.run(*scale, "--replicas=0")
    label = "app.kubernetes.io/component=operator"
    until(lambda: not kubectl.list("pods", NAMESPACE, "--selector", label), 60, "the operator rests")
    yield installed
    kubectl.run(*scale, f"--replicas={installed['spec']['replicas']}")
    kubectl.run("rollout", "status", "deployment", DEPLOYMENT, "--namespace", NAMESPACE, "--timeout=120s")


@pytest.fixture(scope="module")
def _account(kubectl: Kubectl, _installed_operator_rests: dict[str, Any] | None) -> Iterator[str]:
    """A token of the operator's account; the roles are the installed ones, else made for these tests."""
    text = ""
    if _installed_operator_rests is None:
        kubectl.attempt("create", "namespace", NAMESPACE)
        kubectl.attempt("create", "serviceaccount", DEPLOYMENT, "--namespace", NAMESPACE)
        manifests = [item for name in ROLES for item in render(f"--show-only={name}")]
        text = "\n---\n".join(map(json.dumps, manifests))
        kubectl.run("apply", "-f", "-", stdin=text)
    yield kubectl.run("create", "token", DEPLOYMENT, "--namespace", NAMESPACE, "--duration=1h").strip()
    if text:
        kubectl.run("delete", "-f", "-", stdin=text)
        kubectl.run("delete", "serviceaccount", DEPLOYMENT, "--namespace", NAMESPACE)


@pytest.fixture(scope="module")
def operator_kubeconfig(kubeconfig: str, _account: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The test cluster's kubeconfig, as the operator's account."""
    document = yaml.safe_load(Path(kubeconfig).read_text())
    for user in document["users"]:
        user["user"] = {"token": _account}
    path = tmp_path_factory.mktemp("operator") / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


@pytest.fixture
def start_operator(
    operator_kubeconfig: str, _installed_operator_rests: dict[str, Any] | None, tmp_path: Path
) -> Iterator[StartOperator]:
    """Start the operator; its log must hold no traceback at the end."""
    started: list[OperatorProcess] = []

    def start(**settings: str) -> OperatorProcess:
        environment = (
            make_environment(operator_kubeconfig, _installed_operator_rests, len(started)) | settings
        )
        started.append(OperatorProcess(environment, tmp_path / f"operator-{len(started)}.log"))
        started[-1].wait_until_ready()
        return started[-1]

    yield start
    for process in started:
        if process.is_running():
            process.stop()
        assert "traceback" not in process.read_log().lower(), process.read_log()


@pytest.fixture
def proxy(kubeconfig: str) -> Iterator[FaultProxy]:
    """A way to the API server without faults; the test orders them."""
    found = FaultProxy(load_config(kubeconfig).server)
    found.start()
    yield found
    found.rule = lambda _request: None
    found.stop()


@pytest.fixture
def start_behind_proxy(
    operator_kubeconfig: str,
    _installed_operator_rests: dict[str, Any] | None,
    proxy: FaultProxy,
    tmp_path: Path,
) -> Iterator[StartOperator]:
    """Start operators that reach the API server through the proxy, and do not wait; each is ended."""
    document = yaml.safe_load(Path(operator_kubeconfig).read_text())
    document["clusters"][0]["cluster"] = {"server": proxy.url}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(document))
    started: list[OperatorProcess] = []

    def start(**settings: str) -> OperatorProcess:
        environment = make_environment(str(kubeconfig), _installed_operator_rests, len(started)) | settings
        started.append(OperatorProcess(environment, tmp_path / f"operator-{len(started)}.log"))
        return started[-1]

    yield start
    for process in started:
        if process.is_running():
            process.kill()


def make_environment(kubeconfig: str, installed: dict[str, Any] | None, number: int) -> dict[str, str]:
    """Give the settings of an operator of the checkout, the so-manieth of its test."""
    return {
        "KUBECONFIG": kubeconfig,
        "SCRIPTORIUM_IMAGE": _image_of(installed),
        "SCRIPTORIUM_HEALTH_PORT": str(_free_port()),
        "SCRIPTORIUM_SWEEP_SECONDS": "1",
        "POD_NAME": f"operator-{number}",
        "POD_NAMESPACE": NAMESPACE,
    }


def _image_of(installed: dict[str, Any] | None) -> str:
    if installed is None:
        return "localhost/scriptorium:dev"
    return str(installed["spec"]["template"]["spec"]["containers"][0]["image"])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
