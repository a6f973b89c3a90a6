"""Who asked for a run is known, and nobody can name another; asked with real accounts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.accounts import BORROWED, Account, let_in, make_account
from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, execution, script, slot_run
from tests.support.stories import expect
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

REFUSED = "spec.requestedBy must be "


@pytest.fixture
def ada(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Account:
    """Somebody who may create Scripts and runs."""
    return make_account(kubectl, namespace, "ada", tmp_path)


def ask(account: Account, namespace: str, requester: Manifest | None) -> str:
    """Ask for a run, without keeping it, that names this requester; gives what the API server says."""
    named = {} if requester is None else {"requestedBy": requester}
    return attempt(account, namespace, execution(scriptRef={"name": "hello"}, **named))


def attempt(account: Account, namespace: str, manifest: Manifest) -> str:
    """Ask for what the manifest says, without keeping it; gives what the API server says."""
    options = ("--dry-run=server", "--namespace", namespace, "-o", "json", "-f", "-")
    done = account.kubectl.attempt("create", *options, stdin=json.dumps(manifest))
    return done.stdout or done.stderr


def read_requester(answer: str) -> Manifest | None:
    found: Manifest | None = json.loads(answer)["spec"].get("requestedBy")
    return found


def test_a_run_knows_who_asked_for_it_and_tells_its_script(
    ada: Account, kubectl: Kubectl, namespace: str
) -> None:
    ada.kubectl.apply(script("who", source="return ctx.user"), namespace)
    ada.kubectl.create(execution("asked", scriptRef={"name": "who"}), namespace)
    run = kubectl.get("sx", "asked", namespace)
    assert run
    assert run["spec"]["requestedBy"] == {"name": ada.name, "uid": ada.uid}
    output = {"id": ada.uid, "name": ada.name, "email": None}
    ended = {"phase": "Succeeded", "output": output}
    expect({"kind": "ScriptExecution", "metadata": {"name": "asked"}, "status": ended}, kubectl, namespace)


def test_a_run_with_a_source_of_its_own_knows_it_too(ada: Account, namespace: str) -> None:
    ada.kubectl.create(execution("inline", source="return 1"), namespace)
    run = ada.kubectl.get("sx", "inline", namespace)
    assert run
    assert run["spec"]["requestedBy"] == {"name": ada.name, "uid": ada.uid}


def test_who_has_no_uid_is_known_by_name(kubectl: Kubectl, namespace: str) -> None:
    admin = Account("", "", kubectl)
    assert read_requester(ask(admin, namespace, None)) == {"name": "kubernetes-admin"}


def test_everybody_may_name_themselves(ada: Account, namespace: str) -> None:
    named = {"name": ada.name, "uid": ada.uid}
    assert read_requester(ask(ada, namespace, named)) == named


def test_nobody_may_name_another(ada: Account, namespace: str) -> None:
    forgeries = [
        {"name": "kubernetes-admin"},
        {"name": "kubernetes-admin", "uid": ada.uid},
        {"name": ada.name},
        {"name": ada.name, "uid": "another"},
    ]
    for forged in forgeries:
        answer = ask(ada, namespace, forged)
        assert f"{REFUSED}{ada.name} with uid {ada.uid}" in answer, (forged, answer)


def test_who_has_no_uid_may_not_take_one(kubectl: Kubectl, namespace: str) -> None:
    answer = ask(Account("", "", kubectl), namespace, {"name": "kubernetes-admin", "uid": "7"})
    assert f"{REFUSED}kubernetes-admin without uid" in answer


def test_a_requester_is_never_changed(ada: Account, kubectl: Kubectl, namespace: str) -> None:
    ada.kubectl.create(execution("asked", scriptRef={"name": "absent"}), namespace)
    for change in ({"name": "eve"}, None):
        patch = json.dumps({"spec": {"requestedBy": change}})
        done = kubectl.attempt(
            "patch", "sx", "asked", "--namespace", namespace, "--type=merge", "--patch", patch
        )
        assert "immutable but for cancel" in done.stderr


def test_our_own_accounts_name_nobody_and_are_not_written_down(
    kubectl: Kubectl, namespace: str, release: str, tmp_path: Path
) -> None:
    kubectl.apply(script("any", source="return 1;"), namespace)
    until(lambda: kubectl.get("serviceaccount", "scriptorium-runner-default", namespace))
    runner = let_in(kubectl, namespace, f"{namespace}:scriptorium-runner-default", tmp_path)
    operator = let_in(kubectl, namespace, f"{release}:scriptorium-operator", tmp_path)
    for borrowed in (runner, operator):
        pod = replace(borrowed, kubectl=kubectl.as_pod(borrowed.name, tmp_path))
        named = slot_run(requestedBy={"name": "ada", "uid": "7"})
        assert "no spec.requestedBy" in attempt(pod, namespace, named)
        assert read_requester(attempt(pod, namespace, slot_run())) is None
        # A token that was made for somebody who is no pod of ours: two policies refuse it.
        refused = attempt(borrowed, namespace, slot_run())
        assert any(words in refused for words in BORROWED), refused


def test_a_runner_of_another_namespace_is_nobody_special(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    elsewhere = f"{namespace}-b"
    kubectl.run("create", "namespace", elsewhere)
    try:
        stranger = make_account(kubectl, elsewhere, "scriptorium-runner-default", tmp_path / "home")
        guest = let_in(kubectl, namespace, f"{elsewhere}:scriptorium-runner-default", tmp_path)
        assert f"{REFUSED}{stranger.name} with uid" in ask(guest, namespace, {"name": "ada"})
        known = {"name": stranger.name, "uid": stranger.uid}
        assert read_requester(ask(guest, namespace, None)) == known
    finally:
        kubectl.run("delete", "namespace", elsewhere, "--wait=false")
