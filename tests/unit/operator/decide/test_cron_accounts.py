from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from scriptorium_api.cron_script import CronScript, CronScriptStatus, MissReason
from scriptorium_operator.cron_facts import Terms
from scriptorium_operator.decide.cron_accounts import account, find_terms
from tests.unit.operator.fakes import NOW, make_cron_script

#: Every ten minutes; it exists since NOW.
EVERY_TEN = "*/10 * * * *"
TERMS = Terms(schedule=EVERY_TEN, time_zone="UTC", is_suspended=False)
SUSPENDED = replace(TERMS, is_suspended=True)


def make(status: CronScriptStatus | None = None, **spec: Any) -> CronScript:
    made = make_cron_script(schedule=EVERY_TEN, **spec)
    return made.model_copy(update={"status": status}) if status else made


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_slots_that_have_a_run_are_judged_up_to_the_first_that_has_none() -> None:
    status = account(make(), TERMS, [at(10), at(20), at(40)], at(45))
    assert status.accounted_until == at(20)
    assert status.misses == []


def test_a_slot_without_a_run_is_its_pods_to_judge() -> None:
    cron_script = make()
    assert account(cron_script, TERMS, [], at(45)) == cron_script.status


def test_the_slots_of_a_suspended_schedule_are_skipped() -> None:
    status = account(make(suspend=True), SUSPENDED, [], at(35))
    (miss,) = status.misses
    assert (miss.reason, miss.count) == (MissReason.SUSPENDED, 3)
    assert (miss.scheduled_time, miss.last_scheduled_time) == (at(10), at(30))
    assert (status.skipped_runs, status.missed_runs) == (3, 0)
    assert status.accounted_until == at(30)


def test_a_suspension_is_one_record_however_often_it_is_looked_at() -> None:
    status = account(make(suspend=True), SUSPENDED, [], at(15))
    status = account(make(status, suspend=True), SUSPENDED, [], at(35))
    (miss,) = status.misses
    assert (miss.count, miss.scheduled_time, miss.last_scheduled_time) == (3, at(10), at(30))
    assert status.skipped_runs == 3
    assert account(make(status, suspend=True), SUSPENDED, [], at(36)) == status


def test_a_slot_that_was_run_is_not_recorded_as_skipped_too() -> None:
    status = account(make(suspend=True), SUSPENDED, [at(10)], at(25))
    assert [miss.scheduled_time for miss in status.misses] == [at(20)]
    assert status.skipped_runs == 1


def test_what_passed_while_suspended_is_not_made_up_for_when_it_ends() -> None:
    status = account(make(), SUSPENDED, [], at(35))
    assert status.skipped_runs == 3
    assert status.accounted_until == at(35)


def test_who_suspends_has_the_slots_skipped_that_have_not_begun() -> None:
    status = account(make(suspend=True), TERMS, [at(10)], at(20))
    assert [(miss.reason, miss.scheduled_time) for miss in status.misses] == [(MissReason.SUSPENDED, at(20))]
    assert status.accounted_until == at(20)


def test_slots_of_a_former_schedule_that_were_not_run_are_told() -> None:
    former = replace(TERMS, schedule="*/15 * * * *")
    status = account(make(), former, [at(15)], at(30.5))
    (miss,) = status.misses
    assert (miss.reason, miss.outcome, miss.scheduled_time) == (
        MissReason.SCHEDULE_CHANGED,
        MissReason.SCHEDULE_CHANGED.outcome,
        at(30),
    )


def test_who_suspends_after_an_outage_does_not_hide_it() -> None:
    status = account(make(suspend=True), TERMS, [], at(30.5))
    assert [(miss.reason, miss.count) for miss in status.misses] == [
        (MissReason.OUTAGE, 2),
        (MissReason.SUSPENDED, 1),
    ]
    assert (status.missed_runs, status.skipped_runs) == (2, 1)


def test_an_edited_schedule_has_no_slots_of_the_past() -> None:
    former = replace(TERMS, schedule="0 3 * * *")
    status = account(make(), former, [], at(35))
    assert status.misses == []
    assert status.accounted_until == at(35)


def test_another_time_zone_is_another_schedule() -> None:
    daily = make_cron_script(schedule="30 13 * * *", timeZone="Europe/Berlin")
    # 13:30 in Berlin was five minutes ago; in New York it is to come.
    former = Terms(schedule="30 13 * * *", time_zone="America/New_York", is_suspended=False)
    assert account(daily, former, [], at(35)).accounted_until == at(35)


def test_an_edit_between_slots_leaves_nothing_to_write() -> None:
    cron_script = make()
    former = replace(TERMS, schedule="*/30 * * * *")
    assert account(cron_script, former, [], at(5)) == cron_script.status


def test_a_change_that_was_written_down_is_not_written_down_again() -> None:
    status = account(make(), SUSPENDED, [], at(35))
    assert account(make(status), SUSPENDED, [], at(36)) == status


def test_terms_that_are_none_of_ours_say_nothing() -> None:
    cron_script = make()
    for former in (replace(TERMS, schedule="TZ=UTC * * * * *"), replace(TERMS, time_zone="")):
        assert account(cron_script, former, [], at(35)) == cron_script.status


def test_the_terms_are_the_specs() -> None:
    assert find_terms(make(suspend=True)) == SUSPENDED
