import pytest

from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ExecutionStatus
from scriptorium_runner.executions.context import Tenant, build_context, build_schedule
from tests.support.makers import NOW, make_execution, make_script
from tests.support.manifests import cron

TENANT = Tenant(id="namespace-uid", name="team", organization_id="org")
CLAIMED = make_execution(status=ExecutionStatus(attempt=2), input={"a": 1})


def test_ctx_tells_whose_and_which_run_it_is() -> None:
    assert build_context(CLAIMED, make_script(), 3, TENANT) == {
        "tenant": {"id": "namespace-uid", "name": "team", "organizationId": "org"},
        "user": None,
        "script": {"id": "script-hello", "name": "hello", "type": "one_off", "version": 3},
        "execution": {
            "id": "run-1",
            "name": "run-1",
            "triggeredBy": "manual",
            "attempt": 2,
            "scheduledTime": None,
            "lastSuccessfulTime": None,
            "upcoming": [],
        },
        "input": {"a": 1},
    }


def test_the_run_of_a_slot_knows_its_slot() -> None:
    run = make_execution(firedBy={"cronScript": "nightly", "scheduledTime": "2030-03-31T01:30:00+02:00"})
    told = build_context(run, make_script(), 1, TENANT)
    assert told["script"]["type"] == "cron"
    assert told["execution"]["triggeredBy"] == "cron"
    assert told["execution"]["scheduledTime"] == "2030-03-30T23:30:00Z"


def test_a_job_that_was_started_by_hand_is_no_slot() -> None:
    run = make_execution(firedBy={"cronScript": "nightly"})
    told = build_context(run, make_script(), 1, TENANT)
    assert (told["execution"]["triggeredBy"], told["execution"]["scheduledTime"]) == ("manual", None)


def test_a_run_sees_what_its_schedule_was_and_will_be() -> None:
    status = CronScriptStatus(last_successful_time=NOW)
    nightly = CronScript.from_wire(
        cron("nightly", schedule="30 2 * * *", timeZone="Europe/Berlin", scriptRef={"name": "hello"})
    ).model_copy(update={"status": status})
    run = make_execution(firedBy={"cronScript": "nightly", "scheduledTime": "2030-10-25T00:30:00Z"})
    assert build_schedule(nightly, run, NOW) == {
        "lastSuccessfulTime": "2030-01-01T12:00:00Z",
        "upcoming": [
            "2030-10-26T00:30:00Z",
            # The clock goes back in this night, and runs through half past two twice.
            "2030-10-27T00:30:00Z",
            "2030-10-27T01:30:00Z",
            "2030-10-28T01:30:00Z",
            "2030-10-29T01:30:00Z",
        ],
    }


def test_without_a_slot_what_is_upcoming_is_after_now() -> None:
    nightly = CronScript.from_wire(cron("nightly", schedule="@yearly", scriptRef={"name": "hello"}))
    told = build_schedule(nightly, make_execution(firedBy={"cronScript": "nightly"}), NOW)
    assert told["upcoming"][0] == "2031-01-01T00:00:00Z"


def test_inline_source_is_a_script_of_its_run() -> None:
    run = make_execution(scriptRef=None, source="return 1")
    assert build_context(run, None, None, TENANT)["script"] == {
        "id": "run-1",
        "name": "run-1",
        "type": "one_off",
        "version": None,
    }


def test_without_input_it_is_an_empty_object() -> None:
    assert build_context(make_execution(), make_script(), 1, TENANT)["input"] == {}


@pytest.mark.parametrize(
    ("requester", "user"),
    [
        (
            {"name": "ada@example.org", "uid": "7"},
            {"id": "7", "name": "ada@example.org", "email": "ada@example.org"},
        ),
        ({"name": "ada"}, {"id": "ada", "name": "ada", "email": None}),
        (
            {"name": "system:serviceaccount:team:robot", "uid": "u"},
            {"id": "u", "name": "system:serviceaccount:team:robot", "email": None},
        ),
        ({"name": "ada@localhost"}, {"id": "ada@localhost", "name": "ada@localhost", "email": None}),
        ({"name": "@example.org"}, {"id": "@example.org", "name": "@example.org", "email": None}),
    ],
)
def test_the_user_is_who_asked_for_the_run(requester: dict[str, str], user: dict[str, str | None]) -> None:
    run = make_execution(requestedBy=requester)
    assert build_context(run, make_script(), 1, TENANT)["user"] == user
