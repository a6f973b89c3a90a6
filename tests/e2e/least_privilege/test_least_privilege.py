"""What our accounts may do, asked of the API server with their own tokens: a rule more fails this test."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import script
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

READ = ["get", "list", "watch"]
OURS = "scriptorium.dev"

RUNNER = {
    (OURS, "scripts", ""): READ,
    (OURS, "cronscripts", ""): READ,
    (OURS, "scriptendpoints", ""): READ,
    (OURS, "cronscripts/status", ""): ["patch"],
    (OURS, "scriptexecutions", ""): [*READ, "create"],
    (OURS, "scriptexecutions/status", ""): ["patch"],
    ("batch", "jobs", ""): ["get"],
    ("", "pods", ""): READ,
    ("", "configmaps", ""): READ,
    ("coordination.k8s.io", "leases", ""): ["list", "create", "patch", "delete"],
}

OPERATOR = {
    (OURS, "scripts", ""): [*READ, "create", "patch", "delete"],
    (OURS, "cronscripts", ""): READ,
    (OURS, "cronscripts/status", ""): ["patch"],
    (OURS, "scriptendpoints", ""): READ,
    (OURS, "scriptendpoints/status", ""): ["patch"],
    ("networking.k8s.io", "ingresses", ""): [*READ, "create", "patch", "delete"],
    ("batch", "cronjobs", ""): [*READ, "create", "patch", "delete"],
    (OURS, "scriptexecutions", ""): [*READ, "create", "delete"],
    (OURS, "scriptexecutions/status", ""): ["patch"],
    ("batch", "jobs", ""): [*READ, "create", "delete"],
    ("", "pods", ""): ["list"],
    ("", "events", ""): ["list", "create"],
    (OURS, "runnerpools", ""): [*READ, "create", "patch", "delete"],
    (OURS, "scripts/status", ""): ["patch"],
    (OURS, "runnerpools/status", ""): ["patch"],
    ("", "configmaps", ""): READ,
    ("", "namespaces", ""): READ,
    ("", "serviceaccounts", ""): [*READ, "create", "patch"],
    ("", "services", ""): [*READ, "create", "patch"],
    ("apps", "deployments", ""): [*READ, "create", "patch"],
    ("rbac.authorization.k8s.io", "rolebindings", ""): [*READ, "create", "patch"],
    ("networking.k8s.io", "networkpolicies", ""): [*READ, "create", "patch", "delete"],
    ("policy", "poddisruptionbudgets", ""): [*READ, "create", "patch", "delete"],
    ("rbac.authorization.k8s.io", "clusterroles", "scriptorium-runner"): ["bind"],
    ("discovery.k8s.io", "endpointslices", "kubernetes"): ["get"],
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "scriptorium"): ["get", "patch"],
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "scriptorium"): ["get", "patch"],
}


def rules_of(
    kubectl: Kubectl, account: str, namespace: str, place: str
) -> dict[tuple[str, str, str], list[str]]:
    """Give what an account may do in a place, but for what every account may."""
    token = kubectl.run("create", "token", account, "--namespace", namespace).strip()
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": place},
    }
    with tempfile.TemporaryDirectory() as folder:
        asker = kubectl.with_token(token, Path(folder))
        options = ("--validate=false", "-o", "json", "-f", "-")
        answer = json.loads(asker.run("create", *options, stdin=json.dumps(review)))
    rules: dict[tuple[str, str, str], list[str]] = {}
    for rule in answer["status"]["resourceRules"]:
        if "authorization.k8s.io" in rule["apiGroups"] or "authentication.k8s.io" in rule["apiGroups"]:
            continue
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames") or [""]:
                    rules.setdefault((group, resource, name), []).extend(rule["verbs"])
    return {key: sorted(set(verbs)) for key, verbs in rules.items()}


def sort_verbs(rules: dict[tuple[str, str, str], list[str]]) -> dict[tuple[str, str, str], list[str]]:
    return {key: sorted(verbs) for key, verbs in rules.items()}


def test_the_operator_may_do_this_and_no_more(kubectl: Kubectl, release: str) -> None:
    assert rules_of(kubectl, "scriptorium-operator", release, "default") == sort_verbs(OPERATOR)
    leases = {
        ("coordination.k8s.io", "leases", ""): ["create"],
        ("coordination.k8s.io", "leases", "scriptorium-operator"): ["get", "patch"],
    }
    assert rules_of(kubectl, "scriptorium-operator", release, release) == sort_verbs(OPERATOR | leases)


@pytest.mark.usefixtures("release")
def test_a_runner_may_do_this_in_its_namespace_and_nothing_elsewhere(
    kubectl: Kubectl, namespace: str
) -> None:
    account = "scriptorium-runner-default"
    kubectl.apply(script("any", source="return 1;"), namespace)
    until(lambda: kubectl.get("rolebinding", account, namespace))
    assert rules_of(kubectl, account, namespace, namespace) == sort_verbs(RUNNER)
    assert rules_of(kubectl, account, namespace, "default") == {}
    assert rules_of(kubectl, account, namespace, "kube-system") == {}
