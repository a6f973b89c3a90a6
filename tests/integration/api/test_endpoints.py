"""The Endpoint's CRD in the real API server: the same table as the model's."""

import json

import pytest

from tests.support.endpoint_manifests import BAD, GOOD, endpoint
from tests.support.kubectl import Kubectl

pytestmark = pytest.mark.cluster

DRY = ("--dry-run=server", "--namespace=default", "-f", "-")


@pytest.mark.parametrize("name", GOOD)
def test_the_api_server_takes(name: str, kubectl: Kubectl) -> None:
    done = kubectl.attempt("apply", *DRY, stdin=json.dumps(GOOD[name]))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", BAD)
def test_the_api_server_refuses(name: str, kubectl: Kubectl) -> None:
    done = kubectl.attempt("apply", *DRY, stdin=json.dumps(BAD[name].manifest))
    assert done.returncode != 0, done.stdout
    assert BAD[name].words in done.stderr.replace('"', ""), done.stderr


def test_the_defaults_are_shown(kubectl: Kubectl) -> None:
    made = json.loads(kubectl.run("create", *DRY, "-o", "json", stdin=json.dumps(endpoint())))
    shown = {
        name: made["spec"][name] for name in ("methods", "maxBodyKB", "maxResponseKB", "mode", "suspend")
    }
    assert shown == {
        "methods": ["GET"],
        "maxBodyKB": 1024,
        "maxResponseKB": 1024,
        "mode": "Request",
        "suspend": False,
    }


def test_the_schemas_of_requests_are_kept_as_they_are(kubectl: Kubectl) -> None:
    schema = {"properties": {"a": {"enum": [None, 1.5, {"b": []}]}}, "$defs": {"x": {"not": {}}}}
    manifest = json.dumps(endpoint(requestSchema={"query": schema}))
    made = json.loads(kubectl.run("create", *DRY, "-o", "json", stdin=manifest))
    assert made["spec"]["requestSchema"]["query"] == schema


def test_its_short_name_works(kubectl: Kubectl) -> None:
    kubectl.run("get", "sep", "--namespace", "default")


def test_a_list_has_the_columns_people_look_for(kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(endpoint(), namespace)
    header, row = kubectl.run("get", "sep", "--namespace", namespace).splitlines()
    assert header.split() == ["NAME", "URL", "METHODS", "SCRIPT", "READY", "AGE"]
    assert row.split()[0] == "sample"


def test_kubectl_diff_is_empty_after_apply(kubectl: Kubectl, namespace: str) -> None:
    manifest = GOOD["everything else"]
    kubectl.apply(manifest, namespace)
    assert kubectl.run("diff", "--namespace", namespace, "-f", "-", stdin=json.dumps(manifest)) == ""


def test_an_old_endpoint_is_not_given_another_host(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(endpoint(host="one.example.com"), namespace)
    for spec in ({"host": "two.example.com"}, {}):
        done = kubectl.attempt(
            "apply", "--namespace", namespace, "-f", "-", stdin=json.dumps(endpoint(**spec))
        )
        assert "host cannot be changed" in done.stderr, done.stdout
    kubectl.apply(endpoint(host="one.example.com", path="/other"), namespace)
