"""A schedule of the pool: two runners fire each minute once, and run it."""

from typing import Any

import pytest

from scriptorium_api import names
from tests.support.kubectl import Kubectl
from tests.support.manifests import cron, pool, script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]


def list_succeeded(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    runs = kubectl.list("scriptexecutions", namespace, "-l", f"{names.CRON_SCRIPT_LABEL}=minutely")
    return [run for run in runs if run["status"]["phase"] == "Succeeded"]


def test_two_runners_fire_each_minute_once_and_no_job_does(kubectl: Kubectl, namespace: str) -> None:
    kubectl.create(pool(replicas=2, workersPerRunner=2), namespace)
    kubectl.apply(script("hello", source="return {slot: ctx.execution.scheduledTime};"), namespace)
    kubectl.run("wait", "rp/default", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s")
    spec = {"schedule": "* * * * *", "executor": "Pool", "scriptRef": {"name": "hello"}}
    kubectl.apply(cron("minutely", **spec), namespace)
    until(lambda: len(list_succeeded(kubectl, namespace)) > 1, 180, "two slots were run")
    runs = list_succeeded(kubectl, namespace)
    slots = [run["spec"]["firedBy"]["scheduledTime"] for run in runs]
    assert len(set(slots)) == len(slots)
    assert [run["status"]["output"]["slot"] for run in runs] == slots
    assert {run["status"]["triggeredBy"] for run in runs} == {"Cron"}
    assert {run["status"]["attempt"] for run in runs} == {1}
    status = (kubectl.get("cronscript", "minutely", namespace) or {})["status"]
    assert status["accountedUntil"] >= max(slots)
    assert "misses" not in status or status["misses"] == []
    assert kubectl.list("cronjobs", namespace) == []
    assert kubectl.list("jobs", namespace) == []
