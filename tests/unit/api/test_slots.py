"""The slots of schedules: about changes of the clock, against the controller's own library, and as such."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptorium_api import slots
from scriptorium_api.schedule import MACROS, BadSchedule, Schedule, read_schedule

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "controller" / "slots.jsonl").read_text().splitlines()
]

#: What the controller takes by accident, and we refuse.
STRICTER = {"@every 5m", "1, * * * *", "1,,2 * * * *", "+1 * * * *", "*-5 * * * *", "  0   0\t* *  *  "}


def at(text: str) -> datetime:
    """Read a moment; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def upcoming(schedule: str, zone: str, after: str, count: int = 3) -> list[str]:
    """Give the next slots by the clock of the zone."""
    found = slots.list_upcoming(read_schedule(schedule), ZoneInfo(zone), at(after), count)
    return [f"{slot.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for slot in found]


def test_the_next_five_slots() -> None:
    found = slots.list_upcoming(read_schedule("0 8 * * mon-fri"), ZoneInfo("UTC"), at("2026-11-20T08:00"))
    assert [f"{slot:%a %d}" for slot in found] == ["Mon 23", "Tue 24", "Wed 25", "Thu 26", "Fri 27"]


def test_a_slot_is_after_its_moment_and_never_at_it() -> None:
    schedule, zone = read_schedule("* * * * *"), ZoneInfo("UTC")
    assert slots.find_next(schedule, zone, at("2026-01-01T12:00:00")) == at("2026-01-01T12:01")
    assert slots.find_next(schedule, zone, at("2026-01-01T11:59:59.999999")) == at("2026-01-01T12:00")


@pytest.mark.parametrize(
    ("zone", "before", "expected"),
    [
        ("Europe/Berlin", "2026-03-28T12:00", ["03-30 02:30+0200", "03-31 02:30+0200"]),
        ("America/New_York", "2026-03-07T12:00", ["03-09 02:30-0400", "03-10 02:30-0400"]),
        ("Asia/Tashkent", "2026-03-28T12:00", ["03-29 02:30+0500", "03-30 02:30+0500"]),
        ("Asia/Kolkata", "2026-03-28T12:00", ["03-29 02:30+0530", "03-30 02:30+0530"]),
    ],
)
def test_a_slot_in_the_hour_that_is_skipped_is_none(zone: str, before: str, expected: list[str]) -> None:
    assert upcoming("30 2 * * *", zone, before, 2) == expected


@pytest.mark.parametrize(
    ("zone", "schedule", "before", "expected"),
    [
        (
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-24T12:00",
            ["10-25 02:30+0200", "10-25 02:30+0100", "10-26 02:30+0100"],
        ),
        (
            "America/New_York",
            "30 1 * * *",
            "2026-10-31T12:00",
            ["11-01 01:30-0400", "11-01 01:30-0500", "11-02 01:30-0500"],
        ),
        (
            "Asia/Tashkent",
            "30 2 * * *",
            "2026-10-24T12:00",
            ["10-25 02:30+0500", "10-26 02:30+0500", "10-27 02:30+0500"],
        ),
    ],
)
def test_a_slot_in_the_hour_that_is_repeated_is_two(
    zone: str, schedule: str, before: str, expected: list[str]
) -> None:
    assert upcoming(schedule, zone, before) == expected


def test_hours_go_on_evenly_through_both_changes() -> None:
    for before in ("2026-03-28T22:30", "2026-10-24T22:30"):
        found = slots.list_upcoming(read_schedule("@hourly"), ZoneInfo("Europe/Berlin"), at(before), 8)
        assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}


def test_a_zone_half_an_hour_off_has_its_own_full_hours() -> None:
    found = slots.find_next(read_schedule("0 9 * * *"), ZoneInfo("Asia/Kolkata"), at("2026-01-01T00:00"))
    assert found == at("2026-01-01T03:30")


def test_leap_days_are_found_and_31_february_is_not() -> None:
    zone = ZoneInfo("UTC")
    assert slots.find_next(read_schedule("0 0 29 2 *"), zone, at("2025-01-01")) == at("2028-02-29")
    assert slots.find_next(read_schedule("0 0 31 2 *"), zone, at("2025-01-01")) is None


def name_of(case: dict[str, Any]) -> str:
    """Give what a recorded case is called in the list of tests."""
    return f"{case['schedule']} in {case['zone']} after {case['after']}"


@pytest.mark.parametrize("zone", sorted({case["zone"] for case in RECORDED}))
def test_slots_are_those_of_the_cronjob_controller(zone: str) -> None:
    cases = [case for case in RECORDED if case["zone"] == zone and not case["refused"]]
    compared = [case for case in cases if case["schedule"] not in STRICTER]
    assert len(compared) >= 20
    for case in compared:
        after = datetime.fromtimestamp(case["after"], UTC)
        found = slots.list_upcoming(read_schedule(case["schedule"]), ZoneInfo(zone), after, case["count"])
        assert [int(slot.timestamp()) for slot in found] == case["slots"], name_of(case)


def is_taken(schedule: str) -> bool:
    """Say whether we read a schedule."""
    try:
        read_schedule(schedule)
    except BadSchedule:
        return False
    return True


def test_what_we_take_is_what_the_controller_takes_but_for_its_accidents() -> None:
    theirs = {case["schedule"] for case in RECORDED if not case["refused"]}
    ours = {case["schedule"] for case in RECORDED if is_taken(case["schedule"])}
    assert ours <= theirs
    assert theirs - ours == STRICTER
    assert len({case["schedule"] for case in RECORDED} - theirs) >= 20


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "*/7", "15,45", "59", "30-40/3"]),
    st.sampled_from(["*", "0", "1-3", "2", "*/5", "23"]),
    st.sampled_from(["*", "?", "1", "31", "*/2", "5-25/10"]),
    st.sampled_from(["*", "mar,oct", "2", "*/3"]),
    st.sampled_from(["*", "sun", "mon-fri", "*/3"]),
)
SCHEDULES = st.one_of(FIELDS.map(" ".join), st.sampled_from(sorted(MACROS))).filter(
    lambda text: slots.find_least_gap(read_schedule(text)) is not None
)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tashkent", "Asia/Kolkata", "Pacific/Chatham"]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(SCHEDULES, ZONES, MOMENTS)
@settings(deadline=None, max_examples=150)
def test_slots_match_their_schedule_and_nothing_between_them_does(
    text: str, name: str, after: datetime
) -> None:
    schedule, zone = read_schedule(text), ZoneInfo(name)
    found = slots.find_next(schedule, zone, after)
    assert found is not None
    assert found > after
    minute = found.replace(second=0, microsecond=0)
    assert minute == found
    # Backwards, minute by minute of the zone's own clock, as a person would look.
    for back in range(1, 200):
        earlier = found - timedelta(minutes=back)
        if earlier <= after:
            break
        assert not matches(text, earlier.astimezone(zone)), earlier
    assert matches(text, found.astimezone(zone))


def matches(text: str, local: datetime) -> bool:
    """Say whether a schedule fires at a moment, by looking at its fields alone."""
    schedule = read_schedule(text)
    is_time = local.hour in schedule.hours and local.minute in schedule.minutes
    return is_time and slots.is_day(schedule, local)


def list_between(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime, most: int
) -> list[datetime]:
    """Give the slots after one moment up to and with another, one by one: the first, if they are too many."""
    found = takewhile(lambda slot: slot <= until, slots.walk(schedule, zone, after))
    return list(islice(found, most))


@given(SCHEDULES, ZONES, MOMENTS, st.integers(0, 40 * 86400))
@settings(deadline=None, max_examples=60)
def test_what_is_counted_is_what_is_listed(text: str, name: str, after: datetime, seconds: int) -> None:
    schedule, zone, until = read_schedule(text), ZoneInfo(name), after + timedelta(seconds=seconds)
    listed = list_between(schedule, zone, after, until, most=3000)
    if len(listed) < 3000:
        assert slots.count(schedule, zone, after, until) == len(listed)
        assert slots.list_latest(schedule, zone, after, until, most=7) == listed[-7:]


@given(SCHEDULES, ZONES, MOMENTS)
@settings(deadline=None, max_examples=100)
def test_the_previous_slot_of_the_next_is_the_next(text: str, name: str, after: datetime) -> None:
    schedule, zone = read_schedule(text), ZoneInfo(name)
    found = slots.find_next(schedule, zone, after)
    assert found is not None
    assert slots.is_slot(schedule, zone, found)
    assert slots.find_previous(schedule, zone, found) == found
    before = slots.find_previous(schedule, zone, found - timedelta(seconds=1))
    assert before is None or before <= after


def test_slots_of_years_are_counted_about_every_change_of_the_clock() -> None:
    schedule, zone = read_schedule("*/30 * * * *"), ZoneInfo("Europe/Berlin")
    begin, end = at("2020-01-01"), at("2026-01-01")
    assert slots.count(schedule, zone, begin, end) == (end - begin) // timedelta(minutes=30)


@pytest.mark.parametrize("name", ["Africa/Cairo", "Australia/Lord_Howe"])
def test_slots_are_counted_where_the_clock_is_changed_in_odd_ways(name: str) -> None:
    zone = ZoneInfo(name)
    for year, text in ((2024, "0 */3 * * *"), (2024, "30 1 */2 * *"), (2024, "0 0 * * *")):
        begin, end = at(f"{year}-01-01"), at(f"{year + 1}-01-01")
        schedule = read_schedule(text)
        listed = list_between(schedule, zone, begin, end, most=5000)
        assert slots.count(schedule, zone, begin, end) == len(listed), (year, text)


def test_lists_are_as_long_as_is_asked_at_most() -> None:
    schedule, zone, begin, end = (
        read_schedule("* * * * *"),
        ZoneInfo("UTC"),
        at("2020-01-01"),
        at("2026-01-01"),
    )
    first = list_between(schedule, zone, begin, end, most=3)
    assert first == [at("2020-01-01T00:01"), at("2020-01-01T00:02"), at("2020-01-01T00:03")]
    assert slots.list_latest(schedule, zone, begin, end, most=2) == [at("2025-12-31T23:59"), end]


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("* * * * *", timedelta(minutes=1)),
        ("*/25 * * * *", timedelta(minutes=10)),
        ("0,59 0,23 * * *", timedelta(minutes=1)),
        ("59 23 * * *", timedelta(days=1)),
        ("0 0,23 * * *", timedelta(hours=1)),
        ("0 0,23 * * mon", timedelta(hours=23)),
        ("0 0 1 * *", timedelta(days=28)),
        ("0 0 29 2 *", timedelta(days=1461)),
        ("0 0 1 1 mon", timedelta(days=1)),
        ("0 0 30 2 *", None),
    ],
)
def test_the_least_gap_between_two_slots(text: str, gap: timedelta | None) -> None:
    assert slots.find_least_gap(read_schedule(text)) == gap
