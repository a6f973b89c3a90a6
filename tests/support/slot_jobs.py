"""Slots fired by hand, as the CronJob controller fires them: so that a story need not wait for its time."""

import secrets
from datetime import UTC, datetime
from typing import Any

from scriptorium_api import names
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"

#: Fires on the first of January, so never while a test runs, and has had slots.
YEARLY = "0 0 1 1 *"


def slot_of(year: int) -> datetime:
    """Give a slot of the yearly schedule."""
    return datetime(year, 1, 1, tzinfo=UTC)


def wait_for_cron_job(kubectl: Kubectl, namespace: str, cron_script: str) -> dict[str, Any]:
    """Give the CronJob of a CronScript once the operator has made it."""
    name = names.cron_job_name(cron_script)
    return until(lambda: kubectl.get("cronjob", name, namespace), 120, f"{cron_script} has its CronJob") or {}


def forget_since(kubectl: Kubectl, namespace: str, cron_script: str, moment: datetime) -> None:
    """Have every slot after this moment be one that nobody has judged, as after an outage."""
    wait_for_cron_job(kubectl, namespace, cron_script)
    patch = f'{{"status":{{"accountedUntil":"{moment:%Y-%m-%dT%H:%M:%SZ}"}}}}'
    place = ("cronscript", cron_script, "--namespace", namespace, "--subresource=status")
    kubectl.run("patch", *place, "--type=merge", "-p", patch)


def fire(kubectl: Kubectl, namespace: str, cron_script: str, slot: datetime) -> str:
    """Make the Job of a slot; give its name, which is another one each time."""
    cron_job = wait_for_cron_job(kubectl, namespace, cron_script)
    template = cron_job["spec"]["jobTemplate"]
    name = f"{names.slot_job_name(cron_script, slot)}-{secrets.token_hex(1)}"
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron_job["metadata"]["name"],
        "uid": cron_job["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "labels": template["metadata"].get("labels", {}),
        "annotations": {SCHEDULED: f"{slot:%Y-%m-%dT%H:%M:%SZ}"},
        "ownerReferences": [owner],
    }
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]}
    kubectl.create(job, namespace)
    return name


def wait_for_job(kubectl: Kubectl, namespace: str, name: str, condition: str = "Complete") -> None:
    """Wait until a Job has this condition."""

    def has_it() -> bool:
        found = kubectl.get("job", name, namespace) or {}
        conditions = found.get("status", {}).get("conditions", [])
        return any(each["type"] == condition and each["status"] == "True" for each in conditions)

    until(has_it, 120, f"job {name} is {condition}")
