"""What a run's pod asks for before it imports what it will read that with."""

import pytest

from scriptorium_client.resources import CRON_SCRIPTS, JOBS
from scriptorium_runner import run

SLOT = {"POD_NAMESPACE": "team", "SCRIPTORIUM_JOB": "job-1", "SCRIPTORIUM_CRON_SCRIPT": "nightly"}


def test_a_slot_begins_with_its_job_and_its_schedule() -> None:
    assert run.find_wanted(SLOT) == [(JOBS, "job-1", "team"), (CRON_SCRIPTS, "nightly", "team")]


def test_an_attempt_reads_its_run_when_it_can_take_it_and_no_earlier() -> None:
    assert run.find_wanted({"POD_NAMESPACE": "team", "SCRIPTORIUM_EXECUTION": "run-1"}) == []


@pytest.mark.parametrize("missing", SLOT)
def test_nothing_is_asked_for_that_is_not_named(missing: str) -> None:
    named = {name: value for name, value in SLOT.items() if name != missing}
    assert all(name and namespace for _, name, namespace in run.find_wanted(named))
    assert len(run.find_wanted(named)) < 2
