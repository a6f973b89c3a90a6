"""What a run's pod asks for before it imports what it will read that with."""

import pytest

from scriptorium_client.resources import CRON_SCRIPTS, EXECUTIONS, JOBS
from scriptorium_runner import run

SLOT = {"POD_NAMESPACE": "team", "SCRIPTORIUM_JOB": "job-1", "SCRIPTORIUM_CRON_SCRIPT": "nightly"}
ATTEMPT = {"POD_NAMESPACE": "team", "SCRIPTORIUM_EXECUTION": "run-1"}


def test_a_slot_begins_with_its_job_and_its_schedule() -> None:
    assert run.find_wanted(SLOT) == [(JOBS, "job-1", "team"), (CRON_SCRIPTS, "nightly", "team")]


def test_an_attempt_begins_with_its_run() -> None:
    assert run.find_wanted(ATTEMPT) == [(EXECUTIONS, "run-1", "team")]


@pytest.mark.parametrize("missing", SLOT)
def test_nothing_is_asked_for_that_is_not_named(missing: str) -> None:
    named = {name: value for name, value in SLOT.items() if name != missing}
    assert all(name and namespace for _, name, namespace in run.find_wanted(named))
    assert len(run.find_wanted(named)) < 2
