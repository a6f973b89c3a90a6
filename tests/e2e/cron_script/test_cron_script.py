"""What a schedule becomes, and that nothing of it is left; none of these slots is near."""

from typing import Any

import pytest

from scriptorium_api import names
from tests.support.kubectl import Kubectl
from tests.support.manifests import cron, script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

YEARLY = "0 0 1 1 *"
CRON_JOB = names.cron_job_name("nightly")
INLINE = names.inline_script_name("nightly")


def conditions_of(kubectl: Kubectl, namespace: str) -> dict[str, str]:
    found = kubectl.get("cronscript", "nightly", namespace) or {}
    return {each["type"]: each["status"] for each in found.get("status", {}).get("conditions", [])}


def cron_job_of(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] | None = kubectl.get("cronjob", CRON_JOB, namespace)
    return found["spec"] if found else {}


def expect_conditions(kubectl: Kubectl, namespace: str, **wanted: str) -> None:
    until(lambda: wanted.items() <= conditions_of(kubectl, namespace).items(), 90, f"{wanted}")


def test_a_schedule_becomes_a_cron_job_and_follows_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(cron("nightly", schedule=YEARLY, scriptRef={"name": "hello"}), namespace)
    expect_conditions(kubectl, namespace, Ready="False", ScriptFound="False", Suspended="False")
    kubectl.apply(script("hello", source="return 1;"), namespace)
    expect_conditions(kubectl, namespace, Ready="True", ScriptFound="True")
    assert cron_job_of(kubectl, namespace)["schedule"] == YEARLY
    kubectl.apply(cron("nightly", schedule=YEARLY, scriptRef={"name": "hello"}, suspend=True), namespace)
    expect_conditions(kubectl, namespace, Suspended="True", Ready="False")
    assert cron_job_of(kubectl, namespace)["suspend"]


def test_a_cron_job_that_was_deleted_or_changed_is_mended(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("hello", source="return 1;"), namespace)
    kubectl.apply(cron("nightly", schedule=YEARLY, scriptRef={"name": "hello"}), namespace)
    expect_conditions(kubectl, namespace, Ready="True")
    kubectl.run("delete", "cronjob", CRON_JOB, "--namespace", namespace)
    until(lambda: cron_job_of(kubectl, namespace), 30, "the CronJob is there again")
    patch = ("--type=merge", "-p", '{"spec":{"schedule":"0 0 2 1 *"}}')
    kubectl.run("patch", "cronjob", CRON_JOB, "--namespace", namespace, *patch)
    until(lambda: cron_job_of(kubectl, namespace)["schedule"] == YEARLY, 30, "the schedule is as it was")


def test_an_inline_script_and_the_cron_job_go_with_their_schedule(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(cron("nightly", schedule=YEARLY, script={"source": "return 1;"}), namespace)
    expect_conditions(kubectl, namespace, Ready="True", ScriptFound="True")
    assert kubectl.get("script", INLINE, namespace)
    kubectl.run("delete", "cronscript", "nightly", "--namespace", namespace)
    until(lambda: not kubectl.get("cronjob", CRON_JOB, namespace), 60, "the CronJob is gone")
    until(lambda: not kubectl.get("script", INLINE, namespace), 60, "the Script is gone")
