"""What becomes of slots: a schedule of each full hour, at 12:00 unless a test says otherwise."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptorium_api import slot_records, slots
from scriptorium_api.cron_script import CronScriptSpec, CronScriptStatus, Miss, MissReason, Outcome
from scriptorium_api.schedule import read_schedule
from scriptorium_api.slot_verdicts import (
    MOST_CAUGHT_UP,
    Facts,
    Verdict,
    find_start,
    judge_due,
    judge_fired,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ELEVEN = NOON - timedelta(hours=1)


def hour(number: int) -> datetime:
    """Give the full hour of the day of these tests; of another day, for numbers beyond it."""
    return NOON.replace(hour=0) + timedelta(hours=number)


def make_facts(
    seconds_late: float = 3,
    since: datetime = ELEVEN,
    known: tuple[datetime, ...] = (),
    active: tuple[str, ...] = (),
    **spec: Any,
) -> Facts:
    """Give the facts some seconds after noon; all slots up to eleven are accounted for."""
    model = CronScriptSpec.model_validate({"schedule": "@hourly", "scriptRef": {"name": "hello"}} | spec)
    return Facts(
        spec=model,
        schedule=read_schedule(model.schedule),
        zone=ZoneInfo(model.time_zone),
        now=NOON + timedelta(seconds=seconds_late),
        accounted_until=since,
        known=frozenset(known),
        active=active,
    )


def tell(miss: Miss) -> tuple[str, int, datetime, datetime | None]:
    """Give what a record says, without its sentence."""
    return miss.reason, miss.count, miss.scheduled_time, miss.last_scheduled_time


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: what is given, and what is to come of it."""

    facts: Facts
    runs: tuple[datetime, ...] = ()
    replaces: tuple[str, ...] = ()
    misses: list[tuple[str, int, datetime, datetime | None]] = field(default_factory=list)
    accounted_until: datetime = NOON
    is_waiting: bool = False


ROWS = {
    "a slot on time is run": Row(facts=make_facts(), runs=(hour(12),)),
    "nothing is due before it": Row(facts=make_facts(seconds_late=-1), accounted_until=hour(11)),
    "a slot that has its run is not run again": Row(facts=make_facts(known=(hour(12),))),
    "a slot of a suspended schedule is skipped": Row(
        facts=make_facts(suspend=True), misses=[("Suspended", 1, hour(12), None)]
    ),
    "all slots of a suspended schedule are skipped, whatever missedRuns says": Row(
        facts=make_facts(suspend=True, since=hour(8), missedRuns="RunAll"),
        misses=[("Suspended", 4, hour(9), hour(12))],
    ),
    "a slot that overlaps is skipped": Row(
        facts=make_facts(active=("a",)), misses=[("Overlap", 1, hour(12), None)]
    ),
    "a slot that overlaps is skipped under RunAll too": Row(
        facts=make_facts(active=("a",), missedRuns="RunAll"), misses=[("Overlap", 1, hour(12), None)]
    ),
    "a slot may overlap where that is asked for": Row(
        facts=make_facts(active=("a",), concurrencyPolicy="Allow"), runs=(hour(12),)
    ),
    "a slot replaces the runs before it": Row(
        facts=make_facts(active=("a", "b"), concurrencyPolicy="Replace"),
        runs=(hour(12),),
        replaces=("a", "b"),
    ),
    "a slot that has its run replaces nothing": Row(
        facts=make_facts(active=("a",), known=(hour(12),), concurrencyPolicy="Replace")
    ),
    "a slot at its deadline is run": Row(
        facts=make_facts(seconds_late=10, startingDeadlineSeconds=10), runs=(hour(12),)
    ),
    "a slot after its deadline is late": Row(
        facts=make_facts(seconds_late=11, startingDeadlineSeconds=10),
        misses=[("DeadlinePassed", 1, hour(12), None)],
    ),
    "a late slot of a run that goes on is late, and no overlap": Row(
        facts=make_facts(seconds_late=11, startingDeadlineSeconds=10, active=("a",)),
        misses=[("DeadlinePassed", 1, hour(12), None)],
    ),
    "Skip runs a slot that is hardly late": Row(
        facts=make_facts(seconds_late=60, missedRuns="Skip"), runs=(hour(12),)
    ),
    "Skip runs nothing of an outage": Row(
        facts=make_facts(seconds_late=61, since=hour(8), missedRuns="Skip"),
        misses=[("Outage", 4, hour(9), hour(12))],
    ),
    "Skip goes on with the slot that ends the outage": Row(
        facts=make_facts(since=hour(8), missedRuns="Skip"),
        runs=(hour(12),),
        misses=[("Outage", 3, hour(9), hour(11))],
    ),
    "Skip with a deadline runs the latest slot until then": Row(
        facts=make_facts(seconds_late=600, missedRuns="Skip", startingDeadlineSeconds=600), runs=(hour(12),)
    ),
    "RunOnce runs the latest slot of an outage": Row(
        facts=make_facts(seconds_late=1800, since=hour(8)),
        runs=(hour(12),),
        misses=[("Outage", 3, hour(9), hour(11))],
    ),
    "RunOnce runs nothing where even the latest slot is too late": Row(
        facts=make_facts(seconds_late=1800, since=hour(10), startingDeadlineSeconds=60),
        misses=[("Outage", 1, hour(11), None), ("DeadlinePassed", 1, hour(12), None)],
    ),
    "RunOnce does not run an older slot instead of the latest that has its run": Row(
        facts=make_facts(since=hour(10), known=(hour(12),)), misses=[("Outage", 1, hour(11), None)]
    ),
    "RunOnce skips the latest slot where a run goes on": Row(
        facts=make_facts(seconds_late=1800, since=hour(10), active=("a",)),
        misses=[("Outage", 1, hour(11), None), ("Overlap", 1, hour(12), None)],
    ),
    "RunOnce of years is one run and one record": Row(
        facts=make_facts(since=datetime(2020, 11, 21, 12, tzinfo=UTC)),
        runs=(hour(12),),
        misses=[("Outage", 6 * 8760 + 24 - 1, datetime(2020, 11, 21, 13, tzinfo=UTC), hour(11))],
    ),
    "RunAll runs every slot of an outage, oldest first": Row(
        facts=make_facts(seconds_late=1800, since=hour(9), missedRuns="RunAll"),
        runs=(hour(10), hour(11), hour(12)),
    ),
    "RunAll leaves out what has its run": Row(
        facts=make_facts(since=hour(9), known=(hour(11),), missedRuns="RunAll"), runs=(hour(10), hour(12))
    ),
    "RunAll is bounded": Row(
        facts=make_facts(since=hour(12 - MOST_CAUGHT_UP - 5), missedRuns="RunAll"),
        runs=tuple(hour(12 - number) for number in reversed(range(MOST_CAUGHT_UP))),
        misses=[("CatchUpLimit", 5, hour(12 - MOST_CAUGHT_UP - 4), hour(12 - MOST_CAUGHT_UP))],
    ),
    "RunAll leaves out what is too late": Row(
        facts=make_facts(since=hour(8), missedRuns="RunAll", startingDeadlineSeconds=3600 + 60),
        runs=(hour(11), hour(12)),
        misses=[("DeadlinePassed", 2, hour(9), hour(10))],
    ),
    "RunAll waits for the run that goes on": Row(
        facts=make_facts(since=hour(9), active=("a",), missedRuns="RunAll"),
        is_waiting=True,
        accounted_until=hour(10) - timedelta(seconds=1),
    ),
    "RunAll records what is too late even while it waits": Row(
        facts=make_facts(
            since=hour(8), active=("a",), missedRuns="RunAll", startingDeadlineSeconds=3600 + 60
        ),
        is_waiting=True,
        misses=[("DeadlinePassed", 2, hour(9), hour(10))],
        accounted_until=hour(11) - timedelta(seconds=1),
    ),
    "RunAll does not wait where runs may overlap": Row(
        facts=make_facts(since=hour(10), active=("a",), missedRuns="RunAll", concurrencyPolicy="Allow"),
        runs=(hour(11), hour(12)),
    ),
    "RunAll replaces what ran before the outage": Row(
        facts=make_facts(since=hour(10), active=("a",), missedRuns="RunAll", concurrencyPolicy="Replace"),
        runs=(hour(11), hour(12)),
        replaces=("a",),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_of_the_slots_that_are_due(name: str) -> None:
    row = ROWS[name]
    verdict = judge_due(row.facts)
    assert verdict.runs == row.runs
    assert verdict.replaces == row.replaces
    assert [tell(miss) for miss in verdict.misses] == row.misses
    assert verdict.accounted_until == row.accounted_until
    assert verdict.is_waiting == row.is_waiting


def test_a_slot_that_is_fired_is_judged_with_those_before_it() -> None:
    facts = make_facts(since=hour(10))
    assert judge_fired(facts, hour(12)) == judge_due(facts)


@pytest.mark.parametrize("slot", [hour(11), hour(10)])
def test_a_slot_that_is_judged_already_is_not_judged_again(slot: datetime) -> None:
    assert judge_fired(make_facts(), slot) == Verdict(accounted_until=hour(11))


def test_a_slot_that_is_fired_twice_is_run_once() -> None:
    first = judge_fired(make_facts(), hour(12))
    second = judge_fired(make_facts(known=first.runs, active=("its-run",)), hour(12))
    assert (first.runs, second.runs, second.misses) == ((hour(12),), (), ())


def test_a_slot_that_comes_before_its_time_by_our_clock_is_run() -> None:
    assert judge_fired(make_facts(seconds_late=-2), hour(12)).runs == (hour(12),)


def test_a_slot_of_the_former_schedule_is_skipped_and_takes_no_others_along() -> None:
    verdict = judge_fired(make_facts(schedule="30 * * * *", since=hour(10)), hour(12))
    assert [tell(miss) for miss in verdict.misses] == [("ScheduleChanged", 1, hour(12), None)]
    assert (verdict.runs, verdict.accounted_until) == ((), hour(10))


def test_every_reason_belongs_to_an_outcome() -> None:
    assert {reason.outcome for reason in MissReason} == set(Outcome)


def test_a_record_says_what_to_change() -> None:
    (miss,) = judge_due(make_facts(active=("hello-1",))).misses
    assert miss.message == "hello-1 had not ended; concurrencyPolicy is Forbid"


SPECS = st.fixed_dictionaries(
    {
        "missedRuns": st.sampled_from(["Skip", "RunOnce", "RunAll"]),
        "concurrencyPolicy": st.sampled_from(["Forbid", "Allow", "Replace"]),
    },
    optional={"startingDeadlineSeconds": st.integers(10, 200_000), "suspend": st.booleans()},
)


@given(st.integers(0, 300), st.floats(0, 3599), st.sets(st.integers(0, 299)), SPECS)
@settings(deadline=None, max_examples=150)
def test_every_slot_is_run_or_recorded_once(
    hours: int, late: float, known: set[int], spec: dict[str, Any]
) -> None:
    since = hour(12 - hours)
    runs_before = tuple(hour(12 - number) for number in sorted(known) if number < hours)
    facts = make_facts(late, since, runs_before, ("a",), **spec)
    verdict = judge_due(facts)
    judged = slots.count(facts.schedule, facts.zone, since, verdict.accounted_until)
    recorded = sum(miss.count for miss in verdict.misses)
    there = sum(slot <= verdict.accounted_until for slot in runs_before)
    assert len(verdict.runs) + recorded + there == judged
    assert set(verdict.runs).isdisjoint(runs_before)
    assert len(verdict.runs) <= (MOST_CAUGHT_UP if spec["missedRuns"] == "RunAll" else 1)
    assert verdict.is_waiting or verdict.accounted_until == NOON


def test_what_waits_is_run_when_the_run_has_ended() -> None:
    waiting = judge_due(make_facts(since=hour(9), active=("a",), missedRuns="RunAll"))
    later = judge_due(make_facts(since=waiting.accounted_until, missedRuns="RunAll"))
    assert later.runs == (hour(10), hour(11), hour(12))


def test_a_slot_on_time_waits_behind_those_that_are_caught_up() -> None:
    facts = replace(make_facts(active=("a",), missedRuns="RunAll"), is_catching_up=True)
    assert judge_due(facts).is_waiting
    assert judge_due(replace(facts, active=())).runs == (hour(12),)


def test_what_is_caught_up_is_not_replaced_by_what_waits_behind_it() -> None:
    facts = make_facts(since=hour(10), active=("a",), missedRuns="RunAll", concurrencyPolicy="Replace")
    waiting = judge_due(replace(facts, is_catching_up=True))
    assert (waiting.runs, waiting.replaces, waiting.is_waiting) == ((), (), True)
    assert waiting.accounted_until < hour(11)
    assert judge_due(replace(facts, active=())).runs == (hour(11), hour(12))


def test_records_are_counted_by_outcome_and_the_latest_are_kept() -> None:
    status = CronScriptStatus()
    for number in range(12):
        facts = replace(make_facts(active=("a",), since=hour(11 + number)), now=hour(12 + number))
        verdict = judge_due(facts)
        status = slot_records.add(status, verdict.misses)
        assert status.skipped_runs == number + 1
    status = slot_records.add(status, judge_due(make_facts(since=hour(8))).misses)
    assert (status.missed_runs, status.skipped_runs, status.late_runs) == (3, 12, 0)
    assert len(status.misses) == 10
    assert status.misses[-1].count == 3


def test_a_jitter_is_the_same_for_a_slot_and_spreads_schedules() -> None:
    starts = [find_start(NOON, 100, f"uid-{number}") for number in range(200)]
    assert starts == [find_start(NOON, 100, f"uid-{number}") for number in range(200)]
    assert all(NOON <= start < NOON + timedelta(seconds=100) for start in starts)
    assert len({int((start - NOON).total_seconds()) // 10 for start in starts}) == 10
    assert find_start(NOON, 0, "uid") == NOON
