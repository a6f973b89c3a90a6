"""With no operator to answer, our kinds are taken as before; what must not be forged still cannot be."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.accounts import Account, make_account
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.stories import expect
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

WRONG = "let wrong = ;"


@pytest.fixture
def ada(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Account:
    """Somebody whose namespace has a runner already."""
    account = make_account(kubectl, namespace, "ada", tmp_path)
    account.kubectl.apply(script("who", source="return {user: ctx.user}"), namespace)
    account.kubectl.create(execution("before", scriptRef={"name": "who"}), namespace)
    expect_end(kubectl, namespace, "before", {"phase": "Succeeded"})
    return account


@pytest.fixture
def stopped(kubectl: Kubectl, release: str, ada: Account) -> Iterator[None]:
    """No operator answers until the test is over."""
    scale(kubectl, release, 0)
    yield
    scale(kubectl, release, 2)


def scale(kubectl: Kubectl, release: str, replicas: int) -> None:
    place = ("deployment/scriptorium-operator", "--namespace", release)
    kubectl.run("scale", *place, f"--replicas={replicas}")
    if replicas:
        kubectl.run("rollout", "status", *place, "--timeout=120s")
    else:
        label = "app.kubernetes.io/component=operator"
        until(lambda: not kubectl.list("pods", release, "-l", label), 90)


def expect_end(kubectl: Kubectl, namespace: str, name: str, status: object) -> None:
    expect({"kind": "ScriptExecution", "metadata": {"name": name}, "status": status}, kubectl, namespace)


@pytest.mark.usefixtures("stopped")
def test_while_nobody_answers_nothing_is_held_up_and_nothing_forged_and_afterwards_conditions_tell(
    kubectl: Kubectl, release: str, namespace: str, ada: Account
) -> None:
    ada.kubectl.apply(script("wrong", source=WRONG), namespace)
    ada.kubectl.apply(script("right", source="return 1;"), namespace)

    # Who asks is unknown, and unknown is null.
    ada.kubectl.create(execution("meanwhile", scriptRef={"name": "who"}), namespace)
    run = kubectl.get("sx", "meanwhile", namespace)
    assert run
    assert "requestedBy" not in run["spec"]
    expect_end(kubectl, namespace, "meanwhile", {"phase": "Succeeded", "output": {"user": None}})

    forged = execution("forged", scriptRef={"name": "who"}, requestedBy={"name": "eve"})
    place = ("create", "--namespace", namespace, "-f", "-")
    refused = ada.kubectl.attempt(*place, stdin=json.dumps(forged))
    assert f"spec.requestedBy must be {ada.name} with uid {ada.uid}" in refused.stderr
    named = {"name": ada.name, "uid": ada.uid}
    ada.kubectl.create(execution("named", scriptRef={"name": "who"}, requestedBy=named), namespace)
    user = {"id": ada.uid, "name": ada.name, "email": None}
    expect_end(kubectl, namespace, "named", {"phase": "Succeeded", "output": {"user": user}})

    scale(kubectl, release, 2)
    told = {"status": "False", "reason": "SyntaxError", "message": "~SyntaxError: .* at 1:13"}
    broken = {"kind": "Script", "metadata": {"name": "wrong"}, "status": {"conditions": {"Compiled": told}}}
    expect(broken, kubectl, namespace)
    # What was let in may be labelled, suspended and deleted, and made right; not made wrong in another way.
    kubectl.run("label", "script", "wrong", "team=a", "--namespace", namespace)
    ada.kubectl.apply(script("wrong", source=WRONG, suspend=True), namespace)
    worse = ada.kubectl.attempt(
        "apply", "--namespace", namespace, "-f", "-", stdin=json.dumps(script("wrong", source=f"{WRONG};"))
    )
    assert "spec.source: SyntaxError" in worse.stderr
    ada.kubectl.apply(script("wrong", source="return 1;"), namespace)
