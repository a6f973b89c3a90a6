"""The replicas' certificates change under load, and no question of the API server's fails for it."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scriptorium_client import Client
from scriptorium_client.resources import EXECUTIONS
from scriptorium_operator.facts import Certificate
from scriptorium_operator.gateways import certificates
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

CHART = Path(__file__).parents[3] / "helm" / "scriptorium"
DEPLOYMENT = "deployment/scriptorium-operator"
VARIABLE = "SCRIPTORIUM_WEBHOOK_CERTIFICATE_SECONDS"
KINDS = ("validatingwebhookconfiguration", "mutatingwebhookconfiguration")


def read_bundle(kubectl: Kubectl, kind: str = KINDS[0]) -> set[Certificate]:
    """Give the certificates by which the API server knows the operator; those of former pods stay a day."""
    configuration = kubectl.get(kind, "scriptorium")
    assert configuration
    (webhook,) = configuration["webhooks"]
    text = base64.b64decode(webhook["clientConfig"].get("caBundle", "")).decode()
    return set(certificates.read_bundle(text))


def read_shown(kubectl: Kubectl, release: str) -> set[Certificate]:
    """Give the certificates of the pods that stay, those that come next included."""
    pods = kubectl.list("pods", release, "-l", "app.kubernetes.io/component=operator")
    staying = [pod["metadata"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    names = {certificates.name_holder(metadata["name"]) for metadata in staying}
    return {each for each in read_bundle(kubectl) if each.holder in names}


def count_unanswered(kubectl: Kubectl) -> dict[str, float]:
    """Give how often the API server went on without an answer of ours, by webhook."""
    lines = kubectl.run("get", "--raw", "/metrics").splitlines()
    found = [line for line in lines if line.startswith("apiserver_admission_webhook_fail_open_count{")]
    return {line.split()[0]: float(line.split()[1]) for line in found if "scriptorium.dev" in line}


@pytest.fixture
def short_lived(kubectl: Kubectl, release: str) -> Iterator[None]:
    """Certificates that last for a minute and a half: a new one each half minute, of each replica."""
    place = (DEPLOYMENT, "--namespace", release)
    kubectl.run("set", "env", *place, f"{VARIABLE}=90")
    kubectl.run("rollout", "status", *place, "--timeout=120s")
    yield
    kubectl.run("set", "env", *place, f"{VARIABLE}-")
    kubectl.run("rollout", "status", *place, "--timeout=120s")


async def create_some(client: Client, namespace: str, begin: int) -> list[bool]:
    """Create a few runs, one after the other; says of each whether it knows who asked for it."""
    made = []
    for number in range(begin, begin + 5):
        manifest = execution(f"run-{number}", source="return 1")
        manifest["metadata"]["namespace"] = namespace
        created = await client.create(manifest, EXECUTIONS)
        made.append(created["spec"].get("requestedBy") == {"name": "kubernetes-admin"})
    return made


@pytest.mark.usefixtures("short_lived")
async def test_a_rotation_under_writes_fails_none(
    kubectl: Kubectl, client: Client, release: str, namespace: str
) -> None:
    before, unanswered = read_shown(kubectl, release), count_unanswered(kubectl)
    assert len({each.holder for each in before}) == 2
    seen: set[Certificate] = set()
    known: list[bool] = []
    deadline = time.monotonic() + 180
    # Until both replicas showed another certificate at least once, which is when their first are forgotten.
    while before & read_bundle(kubectl) or len(known) < 150:
        assert time.monotonic() < deadline, f"{len(seen)} certificates, {len(known)} runs"
        seen |= read_shown(kubectl, release)
        known += await create_some(client, namespace, len(known))
    assert len(seen) >= len(before) + 2
    assert all(known), f"{known.count(False)} of {len(known)} runs do not know who asked for them"
    assert count_unanswered(kubectl) == unanswered


async def test_new_replicas_take_the_place_of_old_ones_under_writes_and_none_fails(
    kubectl: Kubectl, client: Client, release: str, namespace: str
) -> None:
    before, unanswered = read_shown(kubectl, release), count_unanswered(kubectl)
    known: list[bool] = []
    kubectl.run("rollout", "restart", DEPLOYMENT, "--namespace", release)
    deadline = time.monotonic() + 120
    while is_rolling(kubectl, release):
        assert time.monotonic() < deadline, f"{len(known)} runs"
        known += await create_some(client, namespace, len(known))
    assert not before & read_shown(kubectl, release)
    assert all(known), f"{known.count(False)} of {len(known)} runs do not know who asked for them"
    assert count_unanswered(kubectl) == unanswered


def is_rolling(kubectl: Kubectl, release: str) -> bool:
    """Say whether a pod is still on its way in or out."""
    deployment = kubectl.get("deployment", "scriptorium-operator", release) or {}
    status = deployment["status"]
    pods = kubectl.list("pods", release, "-l", "app.kubernetes.io/component=operator")
    is_new = status["observedGeneration"] == deployment["metadata"]["generation"]
    return not is_new or status.get("updatedReplicas") != 2 or len(pods) != 2


def read_lasting(kubectl: Kubectl) -> dict[str, set[Certificate]]:
    """Give the certificates of each webhook, without those that may expire during a test."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    return {kind: {each for each in read_bundle(kubectl, kind) if each.expires > soon} for kind in KINDS}


def test_an_upgrade_of_the_release_leaves_the_certificates_alone(kubectl: Kubectl, release: str) -> None:
    before = read_lasting(kubectl)
    assert all(before.values())
    try:
        upgrade(kubectl, release, "Fail")
        for kind in KINDS:
            (webhook,) = (kubectl.get(kind, "scriptorium") or {})["webhooks"]
            assert webhook["failurePolicy"] == "Fail"
        assert read_lasting(kubectl) == before
    finally:
        upgrade(kubectl, release, "Ignore")
    assert read_lasting(kubectl) == before


def upgrade(kubectl: Kubectl, release: str, policy: str) -> None:
    command = ["helm", "--kubeconfig", kubectl.kubeconfig, "upgrade", "scriptorium", str(CHART)]
    options = ["--namespace", release, "--reuse-values", f"--set=webhooks.failurePolicy={policy}"]
    subprocess.run([*command, *options], check=True, capture_output=True, timeout=120)


def test_a_bundle_that_somebody_emptied_is_filled_again(kubectl: Kubectl, release: str) -> None:
    before = read_shown(kubectl, release)
    empty = json.dumps([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}])
    kubectl.run("patch", KINDS[0], "scriptorium", "--type=json", "--patch", empty)

    # Those of former pods are nobody's, and do not come back.
    until(lambda: read_bundle(kubectl) == before, 75, "both replicas tell their certificates again")
