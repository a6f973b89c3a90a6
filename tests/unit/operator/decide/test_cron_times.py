from datetime import timedelta

import pytest

from scriptorium_api.conditions import Condition
from scriptorium_api.cron_script import CronScriptStatus
from scriptorium_operator.decide import cron_times
from scriptorium_operator.facts import Problem
from tests.unit.operator.fakes import NOW, make_cron_script

STATUS = CronScriptStatus(observed_generation=3)


def test_the_next_slot_is_told_by_the_clocks_of_its_time_zone() -> None:
    spec = make_cron_script(schedule="0 3 * * *", timeZone="Europe/Berlin").spec
    slot = cron_times.find_next_slot(spec, NOW)
    assert not isinstance(slot, Problem)
    assert slot.isoformat() == "2026-01-02T03:00:00+01:00"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"timeZone": "Europe/Nowhere"}, "spec.timeZone"),
        ({"schedule": "0 0 31 2 *"}, "never fires"),
        ({"schedule": "5-1 * * * *"}, "runs backwards"),
        ({"schedule": "* * * * *", "jitterSeconds": 60}, "spec.jitterSeconds"),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_told_with_its_field(spec: dict[str, object], told: str) -> None:
    problem = cron_times.find_next_slot(make_cron_script(**spec).spec, NOW)
    assert isinstance(problem, Problem)
    assert told in problem.message


@pytest.mark.parametrize(
    ("change", "pause"),
    [
        ({"active": 1}, 6.0),
        ({"observed_generation": 4}, 0.0),
        ({"conditions": [Condition(type="Ready", status="True", last_transition_time=NOW)]}, 0.0),
    ],
)
def test_only_what_nobody_waits_for_is_written_apart(change: dict[str, object], pause: float) -> None:
    status = STATUS.model_copy(update=change)
    assert cron_times.find_pause(STATUS, status, NOW, NOW + timedelta(seconds=4)) == pause
    assert cron_times.find_pause(STATUS, status, None, NOW) == 0.0
    assert cron_times.find_pause(STATUS, status, NOW, NOW + timedelta(minutes=1)) == 0.0


def test_a_suspended_schedule_is_looked_at_seldom() -> None:
    slot = NOW + timedelta(seconds=30)
    assert cron_times.find_next_look(slot, NOW, is_suspended=False) == 31
    assert cron_times.find_next_look(slot, NOW, is_suspended=True) == 600
    assert cron_times.find_next_look(None, NOW, is_suspended=False) is None
