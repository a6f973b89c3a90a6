from pathlib import Path
from typing import Any

import yaml

from scriptorium_api.cron_script import CronScript
from scriptorium_api.script import Limits
from scriptorium_operator.build.cron_job import CronOrder, build_cron_job
from scriptorium_operator.build.runner_pod import Place
from scriptorium_operator.facts import Address, Manifest, Tenant
from scriptorium_operator.settings import RunnerSettings
from tests.unit.operator.fakes import make_cron_script, make_pool

GOLDEN = Path(__file__).with_name("cron_job.yaml")
PLACE = Place(
    pool=make_pool(nodeSelector={"disk": "ssd"}, tolerations=[{"key": "team", "operator": "Exists"}]),
    tenant=Tenant(id="n1", name="team", labels={}),
    organization="acme",
    runner=RunnerSettings(image="example.org/scriptorium:1"),
    api_server=(Address("10.96.0.1", 443),),
)


def build(**spec: Any) -> Manifest:
    return build_order(make_cron_script(**spec))


def build_order(cron_script: CronScript) -> Manifest:
    limits = Limits(memory_mb=64, timeout_seconds=30)
    return build_cron_job(CronOrder(cron_script=cron_script, limits=limits), PLACE)


def job_of(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]["jobTemplate"]["spec"]
    return spec


def pod_of(manifest: Manifest) -> Manifest:
    pod: Manifest = job_of(manifest)["template"]["spec"]
    return pod


def test_a_schedule_becomes_this_cron_job() -> None:
    manifest = build(timeZone="Europe/Berlin", startingDeadlineSeconds=100)
    # It is a hash of all the rest.
    del manifest["metadata"]["annotations"]
    assert manifest == yaml.safe_load(GOLDEN.read_text())


def test_whether_a_slot_is_run_is_for_its_pod_to_say() -> None:
    for policy in ("Forbid", "Allow", "Replace"):
        spec = build(concurrencyPolicy=policy, startingDeadlineSeconds=100)["spec"]
        assert spec["concurrencyPolicy"] == "Allow"
        assert "startingDeadlineSeconds" not in spec


def test_a_suspended_schedule_is_a_suspended_cron_job() -> None:
    assert build(suspend=True)["spec"]["suspend"]


def test_the_job_has_the_time_of_all_attempts_and_of_the_pauses_between_them() -> None:
    retry = {"limit": 2, "backoffSeconds": 10, "maxBackoffSeconds": 15}
    manifest = build(timeoutSeconds=20, jitterSeconds=7, retry=retry)
    # 7 s of jitter, 300 s to start, 3 attempts of 20 s that may wait for their Script, pauses of 10 s and
    # 15 s and a quarter, 120 s as ever.
    assert job_of(manifest)["activeDeadlineSeconds"] == 7 + 300 + 3 * (300 + 20) + 32 + 120


def test_how_late_a_slot_may_be_run_shortens_no_pods_life() -> None:
    deadlines = [
        job_of(build(**spec))["activeDeadlineSeconds"]
        for spec in ({}, {"startingDeadlineSeconds": 10}, {"startingDeadlineSeconds": 3600})
    ]
    assert len(set(deadlines)) == 1


def test_the_job_that_may_run_a_whole_outage_has_the_time_for_it() -> None:
    once, all_of_it = (
        job_of(build(timeoutSeconds=20, missedRuns=missed))["activeDeadlineSeconds"]
        for missed in ("RunOnce", "RunAll")
    )
    # 100 runs and one that they have to wait for, with 5 s between each two of them.
    assert all_of_it - once == 100 * (300 + 20 + 5)


def test_the_jobs_of_slots_say_whose_they_are() -> None:
    metadata = build()["spec"]["jobTemplate"]["metadata"]
    assert metadata["labels"]["scriptorium.dev/cron-script"] == "nightly"


def test_a_schedule_cannot_lengthen_its_scripts_limit() -> None:
    deadlines = [job_of(build(**spec))["activeDeadlineSeconds"] for spec in ({}, {"timeoutSeconds": 3600})]
    assert deadlines[0] == deadlines[1]


def test_a_schedule_says_where_its_pods_are_and_what_they_get() -> None:
    pod = pod_of(build(nodeSelector={"gpu": "no"}, tolerations=[], resources={"limits": {"memory": "1Gi"}}))
    assert pod["nodeSelector"] == {"gpu": "no"}
    assert pod["tolerations"] == []
    assert pod["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}


def test_more_jobs_than_their_logs_are_worth_are_not_kept() -> None:
    spec = build(successfulRunsHistoryLimit=1000, failedRunsHistoryLimit=1)["spec"]
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 1)


def test_a_pod_that_failed_before_it_judged_its_slot_can_be_seen_whatever_history_is_kept() -> None:
    assert build(failedRunsHistoryLimit=0)["spec"]["failedJobsHistoryLimit"] > 0


def test_a_pod_is_told_by_which_schedule_it_is_fired() -> None:
    env = pod_of(build(schedule="*/5 * * * *", timeZone="Asia/Tashkent"))["containers"][0]["env"]
    told = {each["name"]: each.get("value") for each in env}
    assert told["SCRIPTORIUM_CRON_SCHEDULE"] == "*/5 * * * *"
    assert told["SCRIPTORIUM_CRON_TIME_ZONE"] == "Asia/Tashkent"


def test_an_edit_of_what_no_pod_needs_leaves_the_cron_job_as_it_is() -> None:
    cron_script = make_cron_script()
    metadata = cron_script.metadata.model_copy(update={"generation": 4})
    assert build_order(cron_script.model_copy(update={"metadata": metadata})) == build_order(cron_script)
