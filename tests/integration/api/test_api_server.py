"""The CRDs in the real API server: the same table as the models', and what only it can say."""

import json

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import BAD, GOOD, Manifest, cron, execution, script

pytestmark = pytest.mark.cluster

DRY = ("--dry-run=server", "--namespace=default", "-f", "-")


@pytest.mark.parametrize("name", GOOD)
def test_the_api_server_takes(name: str, kubectl: Kubectl) -> None:
    done = kubectl.attempt("apply", *DRY, stdin=json.dumps(GOOD[name]))
    # What a schedule fires nobody but our accounts may create; the schema comes before the policies.
    is_refused_as_ours = "firedBy" in GOOD[name]["spec"] and "is filled in by Scriptorium" in done.stderr
    assert done.returncode == 0 or is_refused_as_ours, done.stderr


@pytest.mark.parametrize("name", BAD)
def test_the_api_server_refuses(name: str, kubectl: Kubectl) -> None:
    done = kubectl.attempt("apply", *DRY, stdin=json.dumps(BAD[name].manifest))
    assert done.returncode != 0, done.stdout
    assert BAD[name].words in done.stderr.replace('"', ""), done.stderr


@pytest.mark.parametrize(
    "change",
    [
        {"scriptRef": {"name": "other"}},
        {"input": {"a": 2}},
        {"input": {"a": 1, "b": 1}},
        {"input": None},
        {"timeoutSeconds": 5},
        {"startDeadlineSeconds": 5},
    ],
)
def test_a_runs_spec_does_not_change(change: Manifest, kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(execution(scriptRef={"name": "absent"}, input={"a": 1}), namespace)
    patch = json.dumps({"spec": change})
    done = kubectl.attempt(
        "patch", "sx", "sample", "--namespace", namespace, "--type=merge", "--patch", patch
    )
    assert done.returncode != 0
    assert "immutable but for cancel" in done.stderr


def test_cancel_can_be_set_and_not_taken_back(kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(execution(scriptRef={"name": "absent"}, input={"a": 1}), namespace)
    place = ("sx", "sample", "--namespace", namespace, "--type=merge", "--patch")
    kubectl.run("patch", *place, '{"spec": {"cancel": true}}')
    done = kubectl.attempt("patch", *place, '{"spec": {"cancel": false}}')
    assert "cancel cannot be taken back" in done.stderr


def test_a_run_is_pending_from_its_first_moment(kubectl: Kubectl) -> None:
    manifest = json.dumps(execution(scriptRef={"name": "hello"}))
    made = json.loads(kubectl.run("create", *DRY, "-o", "json", stdin=manifest))
    assert made["status"] == {"phase": "Pending", "reason": "Queued", "triggeredBy": "Manual"}


def test_a_user_who_writes_a_status_is_not_heard(kubectl: Kubectl) -> None:
    forged = execution(scriptRef={"name": "hello"}) | {"status": {"phase": "Succeeded"}}
    made = json.loads(kubectl.run("create", *DRY, "-o", "json", stdin=json.dumps(forged)))
    assert made["status"]["phase"] == "Pending"


def test_limits_are_shown_with_their_defaults(kubectl: Kubectl) -> None:
    manifest = json.dumps(script(source="return 1", limits={"memoryMB": 64}))
    made = json.loads(kubectl.run("create", *DRY, "-o", "json", stdin=manifest))
    defaults = {"timeoutSeconds": 30, "outputKB": 16, "logKB": 16, "apiCalls": 100}
    assert made["spec"]["limits"] == defaults | {"memoryMB": 64}


@pytest.mark.parametrize("name", ["scr", "sx", "csc", "rp", "scriptorium"])
def test_short_names_and_the_category_work(name: str, kubectl: Kubectl) -> None:
    kubectl.run("get", name, "--namespace", "default")


@pytest.mark.parametrize(
    "path",
    [
        "script.spec.limits",
        "sx.spec",
        "sx.status.reason",
        "csc.spec",
        "csc.status.misses",
        "rp.spec.resources",
    ],
)
def test_explain_tells_what_a_field_is(path: str, kubectl: Kubectl) -> None:
    text = kubectl.run("explain", path)
    assert "<empty>" not in text
    assert "DESCRIPTION" in text


def test_a_list_of_runs_has_the_columns_people_look_for(kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(execution(scriptRef={"name": "absent"}), namespace)
    header, row = kubectl.run("get", "sx", "--namespace", namespace).splitlines()
    assert header.split() == ["NAME", "SCRIPT", "PHASE", "REASON", "TRIGGER", "DURATION", "AGE"]
    assert row.split()[:3] == ["sample", "absent", "Pending"]


def test_a_list_of_schedules_has_the_columns_people_look_for(kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(cron(scriptRef={"name": "absent"}, schedule="@hourly", suspend=True), namespace)
    header, row = kubectl.run("get", "csc", "--namespace", namespace).splitlines()
    assert header.split() == ["NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST", "NEXT", "AGE"]
    assert row.split()[:4] == ["sample", "@hourly", "UTC", "true"]


def test_kubectl_diff_is_empty_after_apply(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script(source="return 1", limits={"memoryMB": 64}), namespace)
    manifest = json.dumps(script(source="return 1", limits={"memoryMB": 64}))
    assert kubectl.run("diff", "--namespace", namespace, "-f", "-", stdin=manifest) == ""
