"""A runner speaks for itself alone: its Lease is its own, whatever its role would let it write."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

ACCOUNT = "scriptorium-runner-default"


@pytest.fixture
def pod(kubectl: Kubectl, namespace: str) -> str:
    """The name of a runner pod that renews its Lease."""
    kubectl.apply(script("any", source="return 1;"), namespace)
    lease = until(lambda: kubectl.list("leases", namespace), 90, "a runner has its Lease")[0]
    return str(lease["metadata"]["name"])


def write_lease(kubectl: Kubectl, namespace: str, name: str) -> str:
    """Try to write a Lease; give what the API server says."""
    lease: dict[str, Any] = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"holderIdentity": "me"},
    }
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=false", "-f", "-")
    done = kubectl.attempt("apply", *options, stdin=json.dumps(lease))
    return done.stdout + done.stderr


def test_a_runner_may_write_the_lease_of_its_own_pod_and_no_other(
    kubectl: Kubectl, namespace: str, pod: str, tmp_path: Path
) -> None:
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
    token = kubectl.run("create", "token", ACCOUNT, "--namespace", namespace, *bound).strip()
    runner = kubectl.with_token(token, tmp_path)
    assert "serverside-applied" in write_lease(runner, namespace, pod)
    assert "its own pod and no other" in write_lease(runner, namespace, "another")


def test_a_token_that_belongs_to_no_pod_writes_no_lease(
    kubectl: Kubectl, namespace: str, pod: str, tmp_path: Path
) -> None:
    token = kubectl.run("create", "token", ACCOUNT, "--namespace", namespace).strip()
    answer = write_lease(kubectl.with_token(token, tmp_path), namespace, pod)
    assert "its own pod and no other" in answer
