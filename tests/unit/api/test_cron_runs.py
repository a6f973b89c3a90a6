from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api.cron_runs import build_run_spec, find_script_name, is_late, take_over
from scriptorium_api.cron_script import CronScript
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.slot_verdicts import find_start
from tests.support.makers import NOW
from tests.support.manifests import cron, execution

OWN = {"input": {"a": 1}, "timeoutSeconds": 5, "retry": {"limit": 2}}


def make_cron(**spec: Any) -> CronScript:
    return CronScript.from_wire(cron("nightly", **({"scriptRef": {"name": "report"}} | OWN | spec)))


def test_the_run_of_a_slot_has_all_that_it_needs_by_itself() -> None:
    spec = build_run_spec(make_cron(), NOW).to_wire()
    assert {key: spec[key] for key in OWN} == OWN | {
        "retry": {"limit": 2, "backoffSeconds": 10, "maxBackoffSeconds": 300}
    }
    assert spec["scriptRef"] == {"name": "report"}
    assert spec["firedBy"] == {"cronScript": "nightly", "scheduledTime": "2030-01-01T12:00:00Z"}


def test_a_run_that_was_started_by_hand_has_no_slot() -> None:
    assert build_run_spec(make_cron(), None).to_wire()["firedBy"] == {"cronScript": "nightly"}


def test_a_run_is_late_if_an_outage_has_held_it_up_and_not_its_jitter() -> None:
    hourly = make_cron(schedule="0 * * * *", jitterSeconds=3000)
    start = find_start(NOW, 3000, hourly.metadata.uid)
    assert start - NOW > timedelta(seconds=60), "the jitter of this slot shows nothing"
    assert not is_late(hourly, NOW, start + timedelta(seconds=60), is_by_pod=False)
    assert is_late(hourly, NOW, start + timedelta(seconds=61), is_by_pod=False)
    assert not is_late(hourly, NOW, start + timedelta(seconds=180), is_by_pod=True)
    assert is_late(hourly, NOW, start + timedelta(seconds=181), is_by_pod=True)
    assert not is_late(hourly, None, start + timedelta(days=1), is_by_pod=False)


@pytest.mark.parametrize(("executor", "isolation"), [("Job", "Pod"), ("Pool", "Pool")])
def test_the_executor_says_where_a_slot_is_run(executor: str, isolation: str) -> None:
    assert build_run_spec(make_cron(executor=executor), NOW).isolation == isolation


def test_a_schedule_with_its_own_script_runs_the_one_it_owns() -> None:
    model = CronScript.from_wire(cron("nightly", script={"source": "return 1"}))
    assert find_script_name(model).startswith("nightly-")
    assert build_run_spec(model, NOW).script_ref is not None


def test_a_run_of_a_schedule_takes_over_what_the_schedule_runs() -> None:
    run = ScriptExecution.from_wire(execution("now", cronScriptRef={"name": "nightly"}, isolation="Pod"))
    spec = take_over(run, make_cron()).spec
    assert (spec.script_ref, spec.input) == (build_run_spec(make_cron(), NOW).script_ref, {"a": 1})
    assert (spec.timeout_seconds, spec.retry, spec.isolation) == (5, make_cron().spec.retry, "Pod")
    assert (spec.cron_script_ref, spec.fired_by) == (run.spec.cron_script_ref, None)
