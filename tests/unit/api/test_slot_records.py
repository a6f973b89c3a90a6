"""What a status tells of slots that were not run: a schedule of each full hour."""

from dataclasses import replace

from scriptorium_api import slot_records
from scriptorium_api.cron_script import CronScriptStatus
from scriptorium_api.slot_verdicts import Facts, judge_due, judge_fired
from tests.unit.api.test_slot_verdicts import hour, make_facts


def skip(status: CronScriptStatus, number: int, since: int) -> CronScriptStatus:
    """Record that a slot was skipped while a run went on, those up to another one being judged."""
    facts = replace(make_facts(active=("a",), since=hour(since)), now=hour(number))
    return slot_records.record(status, facts, judge_due(facts))


def test_slots_in_a_row_are_one_record() -> None:
    status = skip(skip(CronScriptStatus(), 12, since=11), 13, since=12)
    (miss,) = status.misses
    assert (miss.count, miss.scheduled_time, miss.last_scheduled_time) == (2, hour(12), hour(13))
    assert (status.skipped_runs, status.accounted_until) == (2, hour(13))


def test_slots_with_a_run_between_are_two_records() -> None:
    status = skip(skip(CronScriptStatus(), 12, since=11), 14, since=13)
    assert [miss.scheduled_time for miss in status.misses] == [hour(12), hour(14)]


def test_a_slot_that_is_recorded_already_is_not_counted_again() -> None:
    facts = make_facts(since=hour(10))
    verdict = judge_fired(facts, hour(11).replace(minute=30))
    status = slot_records.record(CronScriptStatus(), facts, verdict)
    assert status.skipped_runs == 1
    assert slot_records.record(status, facts, verdict) == status


def test_what_is_judged_never_goes_back() -> None:
    status = CronScriptStatus(accounted_until=hour(14))
    facts = make_facts()
    assert slot_records.record(status, facts, judge_due(facts)).accounted_until == hour(14)


def slots_before(change: Facts, **present: object) -> list[tuple[str, int]]:
    misses = slot_records.judge_former(change, change.spec.model_copy(update=present))
    return [(miss.reason, miss.count) for miss in misses]


def test_the_slots_of_a_former_schedule_are_told_as_such() -> None:
    assert slots_before(make_facts(), schedule="@daily") == [("ScheduleChanged", 1)]


def test_to_suspend_or_to_change_a_schedule_hides_no_outage_before() -> None:
    facts = make_facts(since=hour(7), known=(hour(9), hour(12)))
    assert slots_before(facts, suspend=True) == [("Outage", 3)]
    for present, reason in (({"suspend": True}, "Suspended"), ({"schedule": "@daily"}, "ScheduleChanged")):
        assert slots_before(make_facts(since=hour(9)), **present) == [("Outage", 2), (reason, 1)]


def test_a_slot_whose_jitter_had_not_passed_is_of_no_outage() -> None:
    facts = make_facts(seconds_late=600, since=hour(10), jitterSeconds=1800)
    assert slots_before(facts, suspend=True) == [("Outage", 1), ("Suspended", 1)]


def test_slots_that_a_suspension_skipped_are_of_no_outage_when_it_ends() -> None:
    assert slots_before(make_facts(since=hour(9), suspend=True), suspend=False) == [("Suspended", 3)]


def test_a_suspension_that_begins_or_ends_skips_the_slots_before() -> None:
    assert slots_before(make_facts(), suspend=True) == [("Suspended", 1)]
    assert slots_before(make_facts(suspend=True), suspend=False) == [("Suspended", 1)]
