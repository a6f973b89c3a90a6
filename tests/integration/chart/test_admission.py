"""Who may run code of their own: asked of a real API server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.chart.rendering import NAMESPACE, render
from tests.support.accounts import BORROWED
from tests.support.kubectl import Kubectl
from tests.support.manifests import cron, execution, slot_run
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

POLICY = "scriptorium-inline-source"
INLINE = {"source": "return 1"}
OPERATOR = f"{NAMESPACE}:scriptorium-operator"
BY_NAME = {"scriptRef": {"name": "hello"}}


@pytest.fixture(scope="module", autouse=True)
def _policy(kubectl: Kubectl) -> Iterator[None]:
    """The chart's policy and roles: the installed ones, else just these for the time of the tests."""
    if kubectl.get("validatingadmissionpolicy", POLICY):
        yield
        return
    templates = ("templates/admission.yaml", "templates/user-rbac.yaml")
    text = "\n---\n".join(json.dumps(item) for name in templates for item in render(f"--show-only={name}"))
    kubectl.run("apply", "--namespace", NAMESPACE, "-f", "-", stdin=text)
    yield
    kubectl.run("delete", "--namespace", NAMESPACE, "-f", "-", stdin=text)


def grant(kubectl: Kubectl, namespace: str, user: str, resources: str) -> None:
    kubectl.run("create", "role", user, "-n", namespace, "--verb=create", f"--resource={resources}")
    kubectl.run("create", "rolebinding", user, "-n", namespace, f"--role={user}", f"--user={user}")


def run_as(kubectl: Kubectl, namespace: str, user: str | None, spec: dict[str, Any], **metadata: Any) -> str:
    """Ask the API server to accept a run, without keeping it; gives what it says."""
    manifest = {
        "apiVersion": "scriptorium.dev/v1alpha1",
        "kind": "ScriptExecution",
        "metadata": metadata or {"generateName": "asked-"},
        "spec": spec,
    }
    speaker = ("--as", user) if user else ()
    done = kubectl.attempt(
        *("create", "--namespace", namespace, *speaker, "--dry-run=server", "-f", "-"),
        stdin=json.dumps(manifest),
    )
    return done.stdout or done.stderr


def test_who_may_only_run_scripts_may_not_bring_code(kubectl: Kubectl, namespace: str) -> None:
    grant(kubectl, namespace, "caller", "scriptexecutions.scriptorium.dev")
    # The API server takes a moment to begin with a new policy.
    answer = until(lambda: _refusal(run_as(kubectl, namespace, "caller", INLINE)), 30)
    assert f"caller may not create scripts in namespace {namespace}" in answer
    assert "spec.scriptRef" in answer
    assert "created" in run_as(kubectl, namespace, "caller", BY_NAME)


def _refusal(answer: str) -> str:
    return answer if "denied" in answer else ""


def schedule_as(kubectl: Kubectl, namespace: str, user: str, spec: dict[str, Any]) -> str:
    """Ask the API server to accept a schedule, without keeping it; gives what it says."""
    return ask_for(kubectl, namespace, user, "CronScript", {"schedule": "@daily"} | spec)


def serve_as(kubectl: Kubectl, namespace: str, user: str, spec: dict[str, Any]) -> str:
    """Ask the API server to accept an Endpoint, without keeping it; gives what it says."""
    return ask_for(kubectl, namespace, user, "Endpoint", {"path": "/", "auth": [{"none": {}}]} | spec)


def ask_for(kubectl: Kubectl, namespace: str, user: str, kind: str, spec: dict[str, Any]) -> str:
    manifest = {
        "apiVersion": "scriptorium.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "asked"},
        "spec": spec,
    }
    done = kubectl.attempt(
        *("create", "--namespace", namespace, "--as", user, "--dry-run=server", "-f", "-"),
        stdin=json.dumps(manifest),
    )
    return done.stdout or done.stderr


def test_who_may_only_schedule_scripts_may_not_bring_code(kubectl: Kubectl, namespace: str) -> None:
    grant(kubectl, namespace, "planner", "cronscripts.scriptorium.dev")
    inline = {"script": INLINE}
    answer = until(lambda: _refusal(schedule_as(kubectl, namespace, "planner", inline)), 30)
    assert f"planner may not create scripts in namespace {namespace}" in answer
    assert "created" in schedule_as(kubectl, namespace, "planner", BY_NAME)
    both = "cronscripts.scriptorium.dev,scripts.scriptorium.dev"
    grant(kubectl, namespace, "author-of-schedules", both)
    assert "created" in schedule_as(kubectl, namespace, "author-of-schedules", inline)


def test_who_may_only_make_endpoints_may_not_bring_code(kubectl: Kubectl, namespace: str) -> None:
    grant(kubectl, namespace, "publisher", "scriptendpoints.scriptorium.dev")
    inline = {"script": INLINE}
    answer = until(lambda: _refusal(serve_as(kubectl, namespace, "publisher", inline)), 30)
    assert f"publisher may not create scripts in namespace {namespace}" in answer
    assert "created" in serve_as(kubectl, namespace, "publisher", BY_NAME)
    both = "scriptendpoints.scriptorium.dev,scripts.scriptorium.dev"
    grant(kubectl, namespace, "author-of-endpoints", both)
    assert "created" in serve_as(kubectl, namespace, "author-of-endpoints", inline)


def test_nobody_claims_to_be_a_schedule(kubectl: Kubectl, namespace: str) -> None:
    grant(kubectl, namespace, "claimer", "scriptexecutions.scriptorium.dev")
    claim = BY_NAME | {"firedBy": {"cronScript": "nightly"}}
    answer = until(lambda: _refusal(run_as(kubectl, namespace, "claimer", claim)), 30)
    assert "spec.firedBy is filled in by Scriptorium" in answer


@pytest.mark.parametrize("account", ["{namespace}:scriptorium-runner-default", OPERATOR])
def test_our_accounts_create_the_runs_of_schedules_and_no_others(
    kubectl: Kubectl, namespace: str, account: str, tmp_path: Path
) -> None:
    user = f"system:serviceaccount:{account.format(namespace=namespace)}"
    options = ("-n", namespace, "--verb=create", "--resource=scriptexecutions.scriptorium.dev")
    kubectl.run("create", "role", "ours", *options)
    kubectl.run("create", "rolebinding", "ours", "-n", namespace, "--role=ours", f"--user={user}")

    fired = slot_run()
    (owner,) = fired["metadata"]["ownerReferences"]
    other = owner | {"kind": "Script", "name": "hello", "controller": False}

    pod = kubectl.as_pod(user, tmp_path)

    def ask(spec: dict[str, Any], **metadata: Any) -> str:
        return run_as(pod, namespace, None, spec, **(fired["metadata"] | metadata))

    answer = until(lambda: _refusal(ask(BY_NAME)), 30)
    assert "Scriptorium creates the runs of schedules and no others" in answer
    assert "no spec.requestedBy" in ask(fired["spec"] | {"requestedBy": {"name": user}})
    for metadata in ({"name": "another-1"}, {"labels": {}}):
        assert "named and labelled for the CronScript" in ask(fired["spec"], **metadata)
    for owners in ([], [owner | {"name": "another"}], [owner | {"controller": False}], [owner, other]):
        assert "owned by the CronScript" in ask(fired["spec"], ownerReferences=owners)
    assert "created" in ask(fired["spec"])
    borrowed = run_as(kubectl, namespace, user, fired["spec"], **fired["metadata"])
    assert any(words in borrowed for words in BORROWED), borrowed


def test_who_has_borrowed_a_runners_account_writes_no_status(
    kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    user = f"system:serviceaccount:{namespace}:scriptorium-runner-default"
    kinds = ("scriptexecutions.scriptorium.dev", "cronscripts.scriptorium.dev")
    # kubectl reads an object before it changes it.
    resources = "--resource=" + ",".join([*kinds, *(f"{kind}/status" for kind in kinds)])
    kubectl.run("create", "role", "writer", "-n", namespace, "--verb=get,patch", resources)
    kubectl.run("create", "rolebinding", "writer", "-n", namespace, "--role=writer", f"--user={user}")
    kubectl.apply(execution("asked", **BY_NAME), namespace)
    kubectl.apply(cron("nightly", schedule="@daily", suspend=True, **BY_NAME), namespace)

    def patch(speaker: Kubectl, kind: str, name: str, *options: str) -> str:
        # Neither is true, and neither is kept.
        change = ("--subresource=status", "--type=merge", "--patch", '{"status":{}}', "--dry-run=server")
        done = speaker.attempt("patch", kind, name, "--namespace", namespace, *change, *options)
        return done.stdout or done.stderr

    for kind, name in (("scriptexecution", "asked"), ("cronscript", "nightly")):
        refused = until(lambda kind=kind, name=name: _refusal(patch(kubectl, kind, name, "--as", user)), 30)
        assert "a status is written by the pods of runners" in refused
        assert "patched" in patch(kubectl.as_pod(user, tmp_path), kind, name)
        assert "patched" in patch(kubectl, kind, name)


def test_who_may_write_scripts_may_bring_code(kubectl: Kubectl, namespace: str) -> None:
    both = "scriptexecutions.scriptorium.dev,scripts.scriptorium.dev"
    grant(kubectl, namespace, "author", both)
    assert "created" in run_as(kubectl, namespace, "author", INLINE)


@pytest.mark.parametrize(
    ("role", "request_", "answer"),
    [
        ("view", "list scriptexecutions", "yes"),
        ("view", "create scriptexecutions", "no"),
        ("edit", "create scripts", "yes"),
        ("view", "list scriptendpoints", "yes"),
        ("edit", "create scriptendpoints", "yes"),
        ("edit", "patch scriptendpoints --subresource=status", "no"),
        ("edit", "update runnerpools", "no"),
        ("edit", "patch scriptexecutions --subresource=status", "no"),
        ("admin", "update runnerpools", "yes"),
        ("admin", "patch scripts --subresource=status", "no"),
    ],
)
def test_the_clusters_own_roles_include_ours(
    kubectl: Kubectl, namespace: str, role: str, request_: str, answer: str
) -> None:
    kubectl.run("create", "rolebinding", role, "-n", namespace, f"--clusterrole={role}", "--user=member")
    verb, plural, *options = request_.split()
    question = (verb, f"{plural}.scriptorium.dev", *options, "--namespace", namespace, "--as", "member")

    def ask() -> bool:
        return kubectl.attempt("auth", "can-i", *question).stdout.strip() == answer

    until(ask, 30, f"{role} may {request_}: {answer}")
