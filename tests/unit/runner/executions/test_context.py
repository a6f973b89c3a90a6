import pytest

from scriptorium_api.execution import ExecutionStatus
from scriptorium_runner.executions.context import Tenant, build_context
from tests.support.makers import make_execution, make_script

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
        },
        "input": {"a": 1},
    }


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
