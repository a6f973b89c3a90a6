"""What becomes of slots on a real cluster; each is fired by a Job like those of the CronJob controller."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from scriptorium_api import names
from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, cron, execution, script
from tests.support.slot_jobs import YEARLY, fire, forget_since, slot_of, wait_for_cron_job, wait_for_job
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

ENDLESS = "for (;;) await 0;"
SLOT = slot_of(2026)
TOLD = "return {slot: ctx.execution.scheduledTime, by: ctx.execution.triggeredBy, input}"


def begin(kubectl: Kubectl, namespace: str, source: str, year: int = 2025, **spec: Any) -> None:
    """Have a schedule whose slots after this year's are not judged."""
    kubectl.apply(script("work", source=source, limits={"timeoutSeconds": 60}), namespace)
    spec = {"schedule": YEARLY, "scriptRef": {"name": "work"}} | spec
    kubectl.apply(cron("nightly", **spec), namespace)
    forget_since(kubectl, namespace, "nightly", slot_of(year))


def run_of(slot: datetime) -> str:
    return names.slot_run_name("nightly", slot)


def find_run(kubectl: Kubectl, namespace: str, name: str) -> Manifest:
    found = kubectl.get("scriptexecution", name, namespace)
    return found or {}


def reach(kubectl: Kubectl, namespace: str, name: str, *phases: str) -> Manifest:
    def look() -> Manifest | None:
        found = find_run(kubectl, namespace, name)
        return found if found.get("status", {}).get("phase") in phases else None

    return until(look, 120, f"{name} is {' or '.join(phases)}") or {}


def status_of(kubectl: Kubectl, namespace: str) -> Manifest:
    found = kubectl.get("cronscript", "nightly", namespace) or {}
    status: Manifest = found.get("status", {})
    return status


def expect_status(kubectl: Kubectl, namespace: str, **wanted: Any) -> Manifest:
    def look() -> Manifest | None:
        status = status_of(kubectl, namespace)
        return status if wanted.items() <= status.items() else None

    return until(look, 60, f"the status has {wanted}") or {}


def list_runs(kubectl: Kubectl, namespace: str) -> list[Manifest]:
    return kubectl.list("scriptexecutions", namespace)


def test_a_slot_is_a_run_that_knows_its_slot(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, TOLD, input={"days": 1})
    job = fire(kubectl, namespace, "nightly", SLOT)
    run = reach(kubectl, namespace, run_of(SLOT), "Succeeded")
    assert run["status"]["output"] == {"slot": "2026-01-01T00:00:00Z", "by": "cron", "input": {"days": 1}}
    assert run["status"]["triggeredBy"] == "Cron"
    assert run["spec"]["firedBy"]["job"] == job
    of_schedule = "--field-selector=spec.firedBy.cronScript=nightly"
    assert len(kubectl.list("scriptexecutions", namespace, of_schedule)) == 1
    wait_for_job(kubectl, namespace, job)
    status = expect_status(kubectl, namespace, active=0, lastScheduleTime="2026-01-01T00:00:00Z")
    assert status["lastExecution"]["phase"] == "Succeeded"
    assert status["accountedUntil"] == "2026-01-01T00:00:00Z"
    assert "lastSuccessfulTime" in status


def test_a_slot_that_is_started_twice_is_run_once(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "return 1")
    jobs = [fire(kubectl, namespace, "nightly", SLOT) for _ in range(2)]
    for job in jobs:
        wait_for_job(kubectl, namespace, job)
    late = fire(kubectl, namespace, "nightly", SLOT)
    wait_for_job(kubectl, namespace, late)
    (run,) = list_runs(kubectl, namespace)
    assert (run["metadata"]["name"], run["status"]["attempt"]) == (run_of(SLOT), 1)


def begin_by_hand(kubectl: Kubectl, namespace: str) -> str:
    """Have a run that goes on, started from the CronJob; give its name."""
    source = f"--from=cronjob/{names.cron_job_name('nightly')}"
    kubectl.run("create", "job", "by-hand", source, "--namespace", namespace)

    def find() -> str | None:
        runs = [run for run in list_runs(kubectl, namespace) if run["status"]["phase"] == "Running"]
        return runs[0]["metadata"]["name"] if runs else None

    return until(find, 60, "a run goes on") or ""


def test_forbid_skips_a_slot_while_a_run_goes_on_and_says_so(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, ENDLESS)
    first = begin_by_hand(kubectl, namespace)
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT))
    (miss,) = expect_status(kubectl, namespace, skippedRuns=1, active=1)["misses"]
    assert (miss["outcome"], miss["reason"]) == ("Skipped", "Overlap")
    assert first in miss["message"]
    assert not find_run(kubectl, namespace, run_of(SLOT))
    until(lambda: "SlotsSkipped" in kubectl.run("get", "events", "-n", namespace), 30, "an Event tells it")


def test_replace_cancels_the_run_that_goes_on_in_its_sandbox(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, ENDLESS, concurrencyPolicy="Replace")
    first = begin_by_hand(kubectl, namespace)
    # The Script was changed meanwhile: the later slot runs what it is then.
    kubectl.apply(script("work", source="return 'new'"), namespace)
    fire(kubectl, namespace, "nightly", SLOT)
    replaced = reach(kubectl, namespace, first, "Cancelled")["status"]
    assert replaced["replacedBy"] == run_of(SLOT)
    assert run_of(SLOT) in replaced["message"]
    wait_for_job(kubectl, namespace, "by-hand", "Failed")
    run = reach(kubectl, namespace, run_of(SLOT), "Succeeded")
    assert run["status"]["output"] == {"value": "new"}
    assert run["status"]["startTime"] >= replaced["completionTime"]


def test_allow_runs_a_slot_beside_a_run_that_goes_on(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, ENDLESS, concurrencyPolicy="Allow")
    begin_by_hand(kubectl, namespace)
    fire(kubectl, namespace, "nightly", SLOT)
    reach(kubectl, namespace, run_of(SLOT), "Running")
    expect_status(kubectl, namespace, active=2)


@pytest.mark.parametrize(
    ("missed_runs", "years", "missed"),
    [("Skip", [], 5), ("RunOnce", [2026], 4), ("RunAll", [2022, 2023, 2024, 2025, 2026], 0)],
)
def test_after_an_outage_is_run_what_missed_runs_says(
    kubectl: Kubectl, namespace: str, missed_runs: str, years: list[int], missed: int
) -> None:
    begin(kubectl, namespace, "return 1", year=2021, missedRuns=missed_runs, successfulRunsHistoryLimit=10)
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT))
    status = expect_status(kubectl, namespace, accountedUntil="2026-01-01T00:00:00Z", active=0)
    assert status.get("missedRuns", 0) == missed
    runs = sorted(list_runs(kubectl, namespace), key=lambda run: run["spec"]["firedBy"]["scheduledTime"])
    assert [run["metadata"]["name"] for run in runs] == [run_of(slot_of(year)) for year in years]
    assert {run["status"]["phase"] for run in runs} <= {"Succeeded"}
    for earlier, later in pairwise(runs):
        assert later["status"]["startTime"] >= earlier["status"]["completionTime"]


def test_a_slot_whose_deadline_has_passed_is_late(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "return 1", startingDeadlineSeconds=60)
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT))
    (miss,) = expect_status(kubectl, namespace, lateRuns=1)["misses"]
    assert (miss["outcome"], miss["reason"]) == ("Late", "DeadlinePassed")
    assert not list_runs(kubectl, namespace)


def test_a_slot_that_is_not_the_schedules_is_skipped(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "return 1")
    former = datetime(2026, 2, 1, tzinfo=UTC)
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", former))
    (miss,) = expect_status(kubectl, namespace, skippedRuns=1)["misses"]
    assert (miss["reason"], miss["scheduledTime"]) == ("ScheduleChanged", "2026-02-01T00:00:00Z")


def test_a_job_from_the_cron_job_runs_now_also_of_a_suspended_schedule(
    kubectl: Kubectl, namespace: str
) -> None:
    begin(kubectl, namespace, TOLD, suspend=True)
    source = f"--from=cronjob/{names.cron_job_name('nightly')}"
    kubectl.run("create", "job", "by-hand", source, "--namespace", namespace)
    wait_for_job(kubectl, namespace, "by-hand")
    (run,) = list_runs(kubectl, namespace)
    assert run["status"]["triggeredBy"] == "Manual"
    assert run["status"]["output"] == {"slot": None, "by": "manual", "input": {}}


def test_a_run_that_names_a_schedule_runs_what_that_runs(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, TOLD, input={"days": 1})
    kubectl.create(execution("now", cronScriptRef={"name": "nightly"}), namespace)
    run = reach(kubectl, namespace, "now", "Succeeded", "Failed")
    assert run["status"]["output"] == {"slot": None, "by": "manual", "input": {"days": 1}}


def test_a_run_that_names_a_schedule_waits_for_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("work", source="return 1"), namespace)
    kubectl.create(execution("now", cronScriptRef={"name": "nightly"}), namespace)
    until(
        lambda: find_run(kubectl, namespace, "now")["status"]["reason"] == "ScriptNotFound",
        60,
        "it says that it waits",
    )
    kubectl.apply(cron("nightly", schedule=YEARLY, scriptRef={"name": "work"}), namespace)
    reach(kubectl, namespace, "now", "Succeeded")


def test_all_attempts_of_a_slot_are_its_pods(kubectl: Kubectl, namespace: str) -> None:
    retry = {"limit": 1, "backoffSeconds": 1}
    begin(kubectl, namespace, "if (ctx.execution.attempt < 2) throw new Error('no'); return 1", retry=retry)
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT))
    status = find_run(kubectl, namespace, run_of(SLOT))["status"]
    assert [each["reason"] for each in status["attempts"]] == ["ScriptError", "Completed"]
    assert len({each["runner"] for each in status["attempts"]}) == 1


def test_the_job_fails_as_the_run_does(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "throw new TypeError('no')")
    wait_for_job(kubectl, namespace, fire(kubectl, namespace, "nightly", SLOT), "Failed")
    assert find_run(kubectl, namespace, run_of(SLOT))["status"]["reason"] == "ScriptError"
    expect_status(kubectl, namespace, active=0)


def test_a_slot_waits_for_a_script_that_appears_later(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(cron("nightly", schedule=YEARLY, scriptRef={"name": "work"}), namespace)
    forget_since(kubectl, namespace, "nightly", slot_of(2025))
    fire(kubectl, namespace, "nightly", SLOT)
    until(
        lambda: (
            find_run(kubectl, namespace, run_of(SLOT)).get("status", {}).get("reason") == "ScriptNotFound"
        ),
        60,
        "it says what it waits for",
    )
    kubectl.apply(script("work", source="return 1"), namespace)
    reach(kubectl, namespace, run_of(SLOT), "Succeeded")


def test_a_slot_whose_pod_is_killed_says_so_and_is_taken_up(kubectl: Kubectl, namespace: str) -> None:
    retry = {"limit": 1, "backoffSeconds": 1}
    source = "if (ctx.execution.attempt < 2) { for (;;) await 0 } return 1"
    begin(kubectl, namespace, source, retry=retry)
    fire(kubectl, namespace, "nightly", SLOT)
    run = reach(kubectl, namespace, run_of(SLOT), "Running")
    pod = run["status"]["runner"]["pod"]
    kubectl.run("delete", "pod", pod, "--namespace", namespace, "--grace-period=0", "--force")
    status = reach(kubectl, namespace, run_of(SLOT), "Succeeded", "Failed")["status"]
    assert [each["reason"] for each in status["attempts"]] == ["PodFailed", "Completed"]


def test_a_slot_whose_pod_finds_no_room_says_so(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "return 1")
    kubectl.run("create", "quota", "full", "--hard=pods=1", "--namespace", namespace)
    until(lambda: (kubectl.get("quota", "full", namespace) or {}).get("status", {}).get("used"))
    fire(kubectl, namespace, "nightly", SLOT)
    told = until(
        lambda: find_run(kubectl, namespace, run_of(SLOT)).get("status", {}).get("message"),
        90,
        "its run says why it waits",
    )
    assert "exceeded quota: full" in str(told)
    kubectl.run("delete", "quota", "full", "--namespace", namespace)
    reach(kubectl, namespace, run_of(SLOT), "Succeeded")


def test_all_of_a_schedule_goes_with_it_also_in_mid_run(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, ENDLESS)
    job = fire(kubectl, namespace, "nightly", SLOT)
    run = reach(kubectl, namespace, run_of(SLOT), "Running")
    kubectl.run("delete", "cronscript", "nightly", "--namespace", namespace)
    until(lambda: not find_run(kubectl, namespace, run_of(SLOT)), 60, "the run is gone")
    until(lambda: not kubectl.get("job", job, namespace), 60, "its Job is gone")
    pod = run["status"]["runner"]["pod"]
    until(lambda: not kubectl.get("pod", pod, namespace), 90, "its pod is gone")


def test_no_user_can_say_that_a_schedule_fired_a_run(kubectl: Kubectl, namespace: str) -> None:
    begin(kubectl, namespace, "return 1")
    wait_for_cron_job(kubectl, namespace, "nightly")
    account = f"--as=system:serviceaccount:{namespace}:default"
    kubectl.run(
        *("create", "rolebinding", "edit", "--clusterrole=edit"),
        *(f"--serviceaccount={namespace}:default", "--namespace", namespace),
    )
    forged = execution("forged", scriptRef={"name": "work"}, firedBy={"cronScript": "nightly"})
    refused = kubectl.attempt("create", account, "-n", namespace, "-f", "-", stdin=json.dumps(forged))
    assert refused.returncode
    assert "spec.firedBy is filled in by Scriptorium" in refused.stderr
