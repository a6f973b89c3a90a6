"""The operator as a process of the checkout, with the rights of the chart's account and no others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scriptorium_client import load_config
from tests.faults.proxy import FaultProxy
from tests.integration.chart.rendering import NAMESPACE, render
from tests.integration.operator.processes import OperatorProcess, StartOperator, make_environment
from tests.integration.operator.stage import Stage
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

DEPLOYMENT = "scriptorium-operator"
ROLES = ("templates/operator-rbac.yaml", "templates/runner-rbac.yaml")


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


@pytest.fixture
def stage(kubectl: Kubectl, start_behind_proxy: StartOperator, proxy: FaultProxy) -> Stage:
    """A stage behind the proxy."""
    return Stage(kubectl, start_behind_proxy, proxy)
