"""A schedule that becomes another one while its runs go on: who runs what, and what is told of it."""

import pytest

from scriptorium_api import names
from tests.e2e.cron_slots.test_cron_slots import (
    ENDLESS,
    SLOT,
    begin,
    find_run,
    list_runs,
    reach,
    run_of,
    status_of,
)
from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, cron
from tests.support.slot_jobs import YEARLY, fire, forget_since, slot_of, wait_for_job
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

EARLIER = slot_of(2025)


def find_cron_job(kubectl: Kubectl, namespace: str) -> Manifest | None:
    found: Manifest | None = kubectl.get("cronjob", names.cron_job_name("nightly"), namespace)
    return found


def patch(kubectl: Kubectl, namespace: str, kind: str, name: str, spec: str) -> None:
    kubectl.run("patch", kind, name, "--namespace", namespace, "--type=merge", "-p", f'{{"spec":{spec}}}')


def forget_all_since(kubectl: Kubectl, namespace: str, year: int) -> None:
    """Have the slots after this year's be ones that nobody has judged, also where there is no CronJob."""
    status = f'{{"status":{{"accountedUntil":"{slot_of(year):%Y-%m-%dT%H:%M:%SZ}"}}}}'
    place = ("cronscript", "nightly", "--namespace", namespace, "--subresource=status")
    kubectl.run("patch", *place, "--type=merge", "-p", status)


def test_a_run_of_a_job_goes_on_when_the_pool_takes_over(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, ENDLESS, missedRuns="RunAll")
    fire(kubectl, namespace, "nightly", SLOT)
    running = reach(kubectl, namespace, run_of(SLOT), "Running")
    patch(kubectl, namespace, "cronscript", "nightly", '{"executor":"Pool"}')

    def is_held() -> bool:
        found = find_cron_job(kubectl, namespace)
        return found is not None and found["spec"]["suspend"] is True

    until(is_held, 60, "the CronJob fires no more, and is there for its Job")
    now = find_run(kubectl, namespace, run_of(SLOT))
    assert now["status"]["phase"] == "Running"
    assert now["status"]["runner"] == running["status"]["runner"]
    patch(kubectl, namespace, "scriptexecution", run_of(SLOT), '{"cancel":true}')
    ended = reach(kubectl, namespace, run_of(SLOT), "Cancelled", "Succeeded", "Failed", "TimedOut")
    assert (ended["status"]["phase"], ended["status"]["attempt"]) == ("Cancelled", 1)
    until(lambda: find_cron_job(kubectl, namespace) is None, 120, "the CronJob is gone")

    forget_all_since(kubectl, namespace, 2024)
    by_pool = reach(kubectl, namespace, run_of(EARLIER), "Running")
    assert "job" not in by_pool["spec"]["firedBy"]
    assert by_pool["status"]["runner"]["pod"] != ended["status"]["runner"]["pod"]
    patch(kubectl, namespace, "scriptexecution", run_of(EARLIER), '{"cancel":true}')
    reach(kubectl, namespace, run_of(EARLIER), "Cancelled")


def uid_of(kubectl: Kubectl, namespace: str) -> str:
    found = kubectl.get("cronscript", "nightly", namespace) or {}
    return str(found["metadata"]["uid"])


def list_owned(kubectl: Kubectl, namespace: str, uid: str) -> list[Manifest]:
    """Give the runs of one very CronScript."""
    runs = list_runs(kubectl, namespace)
    return [run for run in runs if uid in {each["uid"] for each in run["metadata"]["ownerReferences"]}]


def make_again(kubectl: Kubectl, namespace: str) -> str:
    """Delete the schedule, and make the same one at once; give its UID when it has its CronJob."""
    former = uid_of(kubectl, namespace)
    kubectl.run("delete", "cronscript", "nightly", "--namespace", namespace)
    kubectl.apply(cron("nightly", schedule=YEARLY, scriptRef={"name": "work"}), namespace)
    uid = uid_of(kubectl, namespace)
    assert uid != former

    def has_its_cron_job() -> bool:
        found = find_cron_job(kubectl, namespace) or {"metadata": {}}
        return uid in {each["uid"] for each in found["metadata"].get("ownerReferences", [])}

    until(has_its_cron_job, 120, "the new schedule has a CronJob of its own")
    until(lambda: not list_owned(kubectl, namespace, former), 120, "the former one's runs are gone")
    return uid


def test_a_schedule_that_is_deleted_and_made_again_begins_anew(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "return 1")
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT))
    reach(kubectl, namespace, run_of(SLOT), "Succeeded")
    uid = make_again(kubectl, namespace)

    # Of what was before it was made the new one has no slot, whatever is fired.
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT))
    assert list_owned(kubectl, namespace, uid) == []
    status = status_of(kubectl, namespace)
    assert "lastScheduleTime" not in status
    assert [status.get(name, 0) for name in ("missedRuns", "skippedRuns", "lateRuns")] == [0, 0, 0]

    # The name of the slot's run is free again, and the run the new one's.
    forget_since(kubectl, namespace, "nightly", slot_of(2025))
    for job in [fire(kubectl, namespace, "nightly", SLOT) for _ in range(2)]:
        wait_for_job(kubectl, namespace, job)
    (run,) = list_owned(kubectl, namespace, uid)
    assert (run["metadata"]["name"], run["status"]["attempt"]) == (run_of(SLOT), 1)
