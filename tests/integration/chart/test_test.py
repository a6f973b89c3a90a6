"""What `helm test` runs, as rendered: who it is, and what it may do."""

from typing import Any

import pytest

from scriptorium_api import names
from scriptorium_client.selftest.__main__ import read_place
from scriptorium_client.selftest.trial import NAME, OPERATOR
from tests.integration.chart.rendering import NAMESPACE, render, render_one

TEAM = "--set=test.namespace=team"


def rules_of(role: str) -> set[tuple[str, str, str]]:
    """Give what a role allows, as resource, name (if narrowed to one) and verb."""
    return {
        (resource, name, verb)
        for rule in render_one("Role", role)["rules"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


def hooks(*options: str) -> list[dict[str, Any]]:
    return [item for item in render(*options) if "helm.sh/hook" in item["metadata"].get("annotations", {})]


def test_it_may_make_one_script_and_one_run_and_see_why_they_wait() -> None:
    own = {(kind, NAME, verb) for kind in ("scripts", "scriptexecutions") for verb in ("get", "delete")}
    made = {(kind, "", "create") for kind in ("scripts", "scriptexecutions")}
    assert rules_of("scriptorium-test") == own | made | {("runnerpools", names.DEFAULT_POOL, "get")}
    assert rules_of("scriptorium-test-operator") == {("deployments", OPERATOR, "get"), ("pods", "", "list")}


def test_nothing_of_it_is_there_but_while_it_runs() -> None:
    label = "app.kubernetes.io/component"
    found = [item for item in render() if item["metadata"]["labels"].get(label) == "test"]
    assert found == hooks()
    for item in found:
        annotations = item["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "test"
        policy = annotations["helm.sh/hook-delete-policy"].split(",")
        assert set(policy) == {"before-hook-creation", "hook-succeeded", "hook-failed"}


def test_the_account_is_there_before_its_pod() -> None:
    weights = {item["kind"]: int(item["metadata"]["annotations"]["helm.sh/hook-weight"]) for item in hooks()}
    assert weights["ServiceAccount"] <= weights["Role"] < weights["RoleBinding"] < weights["Pod"]


@pytest.mark.parametrize(("options", "namespace"), [((), NAMESPACE), ((TEAM,), "team")])
def test_its_script_runs_where_the_values_say(options: tuple[str, ...], namespace: str) -> None:
    pod = render_one("Pod", "scriptorium-test", *options)
    place = read_place({entry["name"]: entry["value"] for entry in pod["spec"]["containers"][0]["env"]})
    assert (place.release_namespace, place.namespace) == (NAMESPACE, namespace)
    assert pod["metadata"]["namespace"] == NAMESPACE
    for kind in ("Role", "RoleBinding"):
        assert render_one(kind, "scriptorium-test", *options)["metadata"]["namespace"] == namespace


def test_its_pod_is_as_restricted_as_the_operators_and_ends_after_the_test() -> None:
    pod = render_one("Pod", "scriptorium-test", "--set=test.timeoutSeconds=10")["spec"]
    operator = render_one("Deployment", "scriptorium-operator")["spec"]["template"]["spec"]
    assert pod["securityContext"] == operator["securityContext"]
    assert pod["containers"][0]["securityContext"] == operator["containers"][0]["securityContext"]
    assert pod["containers"][0]["image"] == operator["containers"][0]["image"]
    assert pod["activeDeadlineSeconds"] == 70
