from datetime import UTC, datetime
from typing import Any

import pytest

from scriptorium_api import names
from scriptorium_api.env import Origin, ValueRef
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.cron_facts import Terms
from scriptorium_operator.facts import Address, Key, Kind, RunnerCounts
from scriptorium_operator.gateways import reading


def make_deployment(**status: Any) -> dict[str, Any]:
    return {"metadata": {"generation": 2}, "status": status}


def test_a_deployment_without_status_has_no_pods() -> None:
    assert reading.read_counts({"metadata": {"generation": 1}}) == RunnerCounts()


def test_counts_speak_of_the_generation_that_was_observed() -> None:
    assert not reading.read_counts(make_deployment(observedGeneration=1)).is_observed
    assert reading.read_counts(make_deployment(observedGeneration=2, readyReplicas=1)) == RunnerCounts(
        ready=1, is_observed=True
    )


@pytest.mark.parametrize(
    ("condition", "trouble"),
    [
        ({"type": "Available", "status": "False", "reason": "x", "message": "y"}, None),
        ({"type": "Progressing", "status": "True", "reason": "x", "message": "y"}, None),
        (
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"},
            ("FailedCreate", "quota"),
        ),
        (
            {"type": "Progressing", "status": "False", "reason": "Deadline", "message": "slow"},
            ("Deadline", "slow"),
        ),
    ],
)
def test_trouble_is_what_keeps_pods_from_coming(
    condition: dict[str, str], trouble: tuple[str, str] | None
) -> None:
    assert reading.read_counts(make_deployment(conditions=[condition])).trouble == trouble


@pytest.mark.parametrize(
    ("status", "is_unfinished"),
    [
        (None, True),
        ({}, True),
        ({"phase": "Pending"}, True),
        ({"phase": "Running"}, True),
        ({"phase": "Succeeded"}, False),
        ({"phase": "Failed"}, False),
        ({"phase": "TimedOut"}, False),
        ({"phase": "Cancelled"}, False),
    ],
)
def test_a_run_is_unfinished_until_its_phase_is_terminal(
    status: dict[str, str] | None, is_unfinished: bool
) -> None:
    assert reading.is_unfinished({"status": status}) is is_unfinished


def test_the_api_server_has_its_own_addresses_and_that_of_its_service() -> None:
    endpoint_slice = {
        "endpoints": [{"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 6443}],
    }
    service = {"spec": {"clusterIPs": ["10.96.0.1"], "ports": [{"port": 443}]}}
    assert reading.read_addresses(endpoint_slice, service) == [
        Address("10.96.0.1", 443),
        Address("10.0.0.1", 6443),
        Address("10.0.0.2", 6443),
    ]


def test_a_namespace_that_is_going_is_no_tenant() -> None:
    metadata = {"name": "team", "uid": "n1"}
    assert reading.read_tenant({"metadata": metadata}) is not None
    assert reading.read_tenant({"metadata": metadata | {"deletionTimestamp": "2026-01-01T00:00:00Z"}}) is None


def test_a_script_names_values_of_secrets_and_config_maps_and_none_of_its_own() -> None:
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
        {"name": "D", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "E", "valueFrom": {"somethingNewer": {"name": "s"}}},
    ]
    item = {"metadata": {"name": "a", "namespace": "team", "uid": "1"}, "spec": {"env": env}}
    notice = reading.read_notice(Kind.SCRIPT, item, is_gone=False)
    assert notice.values == {ValueRef(Origin.SECRET, "s", "k"), ValueRef(Origin.CONFIG_MAP, "m", "k")}
    gone = {"metadata": item["metadata"]}
    assert reading.read_notice(Kind.SCRIPT, gone, is_gone=True).values == frozenset()


def make_run(status: dict[str, Any], **fired_by: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "nightly-29454120",
            "namespace": "team",
            "uid": "r1",
            "creationTimestamp": "2026-01-01T03:00:02Z",
        },
        "spec": {"scriptRef": {"name": "hello"}} | ({"firedBy": fired_by} if fired_by else {}),
        "status": status,
    }


def test_a_run_of_a_slot_tells_its_schedule() -> None:
    status = {"phase": "Succeeded", "reason": "Completed", "completionTime": "2026-01-01T03:00:05Z"}
    run = reading.read_cron_run(make_run(status, cronScript="nightly", scheduledTime="2026-01-01T03:00:00Z"))
    assert run is not None
    assert run.cron_script == Key(Kind.CRON_SCRIPT, "team", "nightly")
    assert run.slot == datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert run.completed == datetime(2026, 1, 1, 3, 0, 5, tzinfo=UTC)
    assert (run.phase, run.reason, run.is_unfinished) == (Phase.SUCCEEDED, Reason.COMPLETED, False)
    assert run.job == "", "the pool has fired it"


def test_a_run_of_a_schedule_that_was_started_by_hand_has_no_slot() -> None:
    run = reading.read_cron_run(make_run({}, cronScript="nightly", job="by-hand"))
    assert run is not None
    assert (run.slot, run.job, run.is_unfinished, run.completed) == (None, "by-hand", True, None)


def test_other_runs_are_no_schedules_business() -> None:
    assert reading.read_cron_run(make_run({})) is None


def test_what_a_newer_version_calls_a_phase_is_not_guessed() -> None:
    run = reading.read_cron_run(make_run({"phase": "Paused", "reason": "Nap"}, cronScript="nightly"))
    assert run is not None
    assert (run.phase, run.reason, run.is_unfinished) == (None, None, True)


def test_an_ended_run_of_a_schedule_is_kept_by_its_limits() -> None:
    ended = reading.read_ended_run(make_run({"phase": "Succeeded"}, cronScript="nightly"))
    assert ended is not None
    assert (ended.cron_script, ended.slot, ended.kept_until) == ("nightly", None, None)


def test_an_ended_run_tells_of_which_slot_it_is() -> None:
    fired = {"cronScript": "nightly", "scheduledTime": "2026-01-01T03:00:00Z", "job": "nightly-1"}
    ended = reading.read_ended_run(make_run({"phase": "Succeeded"}, **fired))
    assert ended is not None
    assert (ended.slot, ended.kept_until) == (datetime(2026, 1, 1, 3, tzinfo=UTC), None)


def test_the_run_of_a_job_made_by_hand_outlives_that_job_which_would_seem_to_have_none() -> None:
    status = {"phase": "Succeeded", "completionTime": "2026-01-01T03:00:05Z"}
    ended = reading.read_ended_run(make_run(status, cronScript="nightly", job="by-hand"))
    assert ended is not None
    assert ended.kept_until == datetime(2026, 1, 1, 3, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "owner", "told"),
    [
        (Kind.JOB, "ScriptExecution", "x"),
        (Kind.JOB, "CronJob", ""),
        (Kind.CRON_JOB, "CronScript", "x"),
        (Kind.CRON_JOB, "Workflow", ""),
    ],
)
def test_only_an_owner_of_ours_is_told(kind: Kind, owner: str, told: str) -> None:
    metadata = {"name": "x-1", "namespace": "team", "uid": "j1"}
    owners = [{"kind": owner, "name": "x", "uid": "o1", "controller": True}]
    item = {"metadata": metadata | {"ownerReferences": owners}}
    assert reading.read_notice(kind, item, is_gone=False).owner == told


def test_a_cron_job_says_by_which_terms_it_fires() -> None:
    spec = {"schedule": "@daily", "timeZone": "UTC", "suspend": True}
    wanted = Terms(schedule="@daily", time_zone="UTC", is_suspended=True)
    assert reading.read_terms({"metadata": {}, "spec": spec}) == wanted


@pytest.mark.parametrize(
    ("applied", "wanted"),
    [
        ('{"schedule": "0 3 * * *", "timeZone": "UTC", "suspend": false}', "0 3 * * *"),
        ("null", None),
        ("[]", "@daily"),
        ("{", "@daily"),
    ],
)
def test_the_terms_that_were_applied_to_a_cron_job_are_its_terms(applied: str, wanted: str | None) -> None:
    metadata = {"annotations": {names.APPLIED_TERMS: applied}}
    spec = {"schedule": "@daily", "timeZone": "UTC"}
    terms = reading.read_terms({"metadata": metadata, "spec": spec})
    assert (terms and terms.schedule) == wanted


SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


def make_job(**metadata: Any) -> dict[str, Any]:
    """Give the metadata of a Job that the CronJob controller made, with these changes."""
    owner = {"kind": "CronJob", "name": names.cron_job_name("nightly"), "uid": "k1", "controller": True}
    return {
        "metadata": {
            "name": "nightly-1",
            "namespace": "team",
            "uid": "j1",
            "creationTimestamp": "2026-01-01T02:00:01Z",
            "labels": names.cron_run_labels("nightly"),
            "annotations": {SCHEDULED: "2026-01-01T03:00:00+01:00"},
            "ownerReferences": [owner],
        }
        | metadata
    }


def test_a_job_of_a_schedule_tells_its_slot() -> None:
    job = reading.read_notice(Kind.JOB, make_job(), is_gone=False).fired_job
    assert job is not None
    assert (job.cron_script, job.slot) == (
        Key(Kind.CRON_SCRIPT, "team", "nightly"),
        datetime(2026, 1, 1, 2, tzinfo=UTC),
    )
    assert job.cron_job == Key(Kind.CRON_JOB, "team", names.cron_job_name("nightly"))


def test_a_job_that_kubectl_made_of_a_cron_job_has_no_slot_and_no_controller() -> None:
    owner = {"kind": "CronJob", "name": names.cron_job_name("nightly"), "uid": "k1"}
    manual = {"cronjob.kubernetes.io/instantiate": "manual"}
    item = make_job(annotations=manual, ownerReferences=[owner])
    job = reading.read_fired_job(item)
    assert job is not None
    assert job.slot is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": []},
        {"ownerReferences": [{"kind": "CronJob", "name": "another", "uid": "k2"}]},
        {"labels": {}},
        {"labels": names.cron_run_labels("another")},
        {"annotations": {SCHEDULED: "soon"}},
        {"annotations": {SCHEDULED: "2026-01-01T03:00:00"}},
        {"deletionTimestamp": "2026-01-01T02:00:05Z"},
    ],
)
def test_a_job_that_is_no_schedules_or_makes_no_sense_is_not_taken_for_one(metadata: dict[str, Any]) -> None:
    assert reading.read_fired_job(make_job(**metadata)) is None


def test_a_run_says_which_schedule_made_it_of_those_that_had_its_name() -> None:
    item = make_run({}, cronScript="nightly")
    item["metadata"]["ownerReferences"] = [{"kind": "CronScript", "uid": "c1", "controller": True}]
    run = reading.read_cron_run(item)
    assert run is not None
    assert run.owner == "c1"
