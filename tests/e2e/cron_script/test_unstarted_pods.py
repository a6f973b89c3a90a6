"""Slots whose pods never start: each has a run nevertheless, which says why."""

from typing import Any

import pytest

from scriptorium_api import names
from tests.support.kubectl import Kubectl
from tests.support.manifests import cron, script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

NOWHERE = {"nodeSelector": {"scriptorium.dev/no-such": "node"}}
CRON_JOB = names.cron_job_name("nightly")


def schedule(kubectl: Kubectl, namespace: str, **spec: Any) -> None:
    """Have a schedule, and the CronJob that it becomes."""
    kubectl.apply(script("hello", source="return 1;"), namespace)
    kubectl.apply(cron("nightly", scriptRef={"name": "hello"}, **spec), namespace)
    until(lambda: kubectl.get("cronjob", CRON_JOB, namespace), 90, "there is a CronJob")


def run_of(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    """Give the first run of the schedule; empty while there is none."""
    found = kubectl.list("scriptexecutions", namespace, f"--selector={names.CRON_SCRIPT_LABEL}=nightly")
    return min(found, key=lambda each: each["metadata"]["creationTimestamp"], default={})


def message_of(kubectl: Kubectl, namespace: str) -> str:
    message: str = run_of(kubectl, namespace).get("status", {}).get("message", "")
    return message


def test_a_job_made_by_hand_whose_pod_fits_nowhere_has_a_run_that_says_so(
    kubectl: Kubectl, namespace: str
) -> None:
    schedule(kubectl, namespace, schedule="0 0 1 1 *", **NOWHERE)
    kubectl.run("create", "job", "by-hand", f"--from=cronjob/{CRON_JOB}", "--namespace", namespace)
    until(lambda: "Unschedulable" in message_of(kubectl, namespace), 60, "the run tells what keeps its pod")
    run = run_of(kubectl, namespace)
    assert run["spec"]["firedBy"] == {"cronScript": "nightly", "job": "by-hand"}
    assert run["status"]["phase"] == "Pending"
    kubectl.run(
        *("patch", "scriptexecution", run["metadata"]["name"], "--namespace", namespace),
        *("--type=merge", "-p", '{"spec":{"cancel":true}}'),
    )
    until(lambda: not kubectl.get("job", "by-hand", namespace), 60, "the Job goes that nobody needs")


def test_a_slot_whose_pod_fits_nowhere_has_its_run_and_is_judged(kubectl: Kubectl, namespace: str) -> None:
    schedule(kubectl, namespace, schedule="* * * * *", **NOWHERE)
    until(lambda: "Unschedulable" in message_of(kubectl, namespace), 120, "the run tells what keeps its pod")
    run = run_of(kubectl, namespace)
    slot = run["spec"]["firedBy"]["scheduledTime"]
    assert run["spec"]["firedBy"]["job"].startswith(CRON_JOB)

    def is_judged() -> bool:
        status = (kubectl.get("cronscript", "nightly", namespace) or {}).get("status", {})
        return bool(status.get("accountedUntil", "") >= slot)

    until(is_judged, 30, f"{slot} is judged")
