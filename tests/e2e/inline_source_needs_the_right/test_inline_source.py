"""Inline source is code: only those who may create Scripts may bring it."""

import json

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import execution

pytestmark = pytest.mark.cluster

ROLE = ("create", "role", "starter", "--verb=create", "--resource=scriptexecutions.scriptorium.dev")


@pytest.mark.usefixtures("release")
def test_who_may_only_start_runs_may_not_bring_source(kubectl: Kubectl, namespace: str) -> None:
    kubectl.run(*ROLE, "--namespace", namespace)
    kubectl.run("create", "rolebinding", "starter", "--role=starter", "--user=ada", "--namespace", namespace)
    as_ada = ("create", "--as=ada", "--namespace", namespace, "-f", "-")
    kubectl.run(*as_ada, stdin=json.dumps(execution("by-reference", scriptRef={"name": "hello"})))
    refused = kubectl.attempt(*as_ada, stdin=json.dumps(execution("inline", source="return 1;")))
    assert refused.returncode != 0
    assert "spec.source" in refused.stderr
