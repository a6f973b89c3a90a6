"""What `scriptorium next` tells of schedules."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scriptorium_runner.dev import forecast
from scriptorium_runner.dev.forecast import Forecast
from scriptorium_runner.sources import manifests
from tests.unit.runner.dev.manifests import cron, script


def tell(folder: Path, *texts: str, at: str = "2026-10-24T12:00:00+00:00", count: int = 3) -> Forecast:
    """Give what is told of a file with these manifests."""
    file = folder / "a.yaml"
    file.write_text("---\n".join(texts))
    return forecast.forecast(manifests.load([file]), datetime.fromisoformat(at), count)


@pytest.mark.parametrize(
    ("at", "lines"),
    [
        (
            "2026-10-24T12:00:00+00:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"],
        ),
        # Between the two: what comes first by the clock on the wall is the later one.
        ("2026-10-25T00:45:00+00:00", ["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"]),
        ("2026-03-28T01:00:00+01:00", ["2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"]),
    ],
)
def test_a_repeated_hour_fires_twice_and_a_skipped_one_never(
    tmp_path: Path, at: str, lines: list[str]
) -> None:
    berlin = cron(schedule="30 2 * * *", timeZone="Europe/Berlin")
    assert tell(tmp_path, berlin, at=at, count=len(lines)).lines == lines


@pytest.mark.parametrize(
    ("zone", "line"),
    [
        ("UTC", "2026-10-25T09:00:00+00:00"),
        ("Asia/Kolkata", "2026-10-25T09:00:00+05:30"),
        ("Asia/Tashkent", "2026-10-25T09:00:00+05:00"),
    ],
)
def test_times_are_those_of_the_schedules_own_clock(tmp_path: Path, zone: str, line: str) -> None:
    told = tell(tmp_path, cron(schedule="0 9 25 * *", timeZone=zone), count=1)
    assert told == Forecast(lines=[line])


def test_of_several_schedules_each_line_begins_with_the_name(tmp_path: Path) -> None:
    other = cron("hourly", "@hourly", namespace="team")
    assert tell(tmp_path, cron(schedule="@daily"), script("return 1"), other, count=2).lines == [
        "nightly      2026-10-25T00:00:00+00:00",
        "nightly      2026-10-26T00:00:00+00:00",
        "team/hourly  2026-10-24T13:00:00+00:00",
        "team/hourly  2026-10-24T14:00:00+00:00",
    ]


def test_a_suspended_schedule_has_no_times_and_says_so(tmp_path: Path) -> None:
    told = tell(tmp_path, cron(suspend="true"))
    assert told == Forecast(
        notes=["nightly is suspended: its slots are skipped until its spec.suspend is false"]
    )


def test_a_schedule_that_is_silent_for_years_says_so(tmp_path: Path) -> None:
    leap_day = cron(schedule="0 0 29 2 *")
    assert tell(tmp_path, leap_day, at="2096-03-01T00:00:00+00:00") == Forecast(
        notes=["nightly does not fire within the next five years"]
    )


def test_files_without_schedules_say_so(tmp_path: Path) -> None:
    assert "no CronScript found" in tell(tmp_path, script("return 1")).notes[0]


def test_what_is_no_schedule_is_told_as_such_alone(tmp_path: Path) -> None:
    assert tell(tmp_path, cron(schedule="0 0 31 2 *")) == Forecast()


def test_a_moment_is_no_slot_after_itself(tmp_path: Path) -> None:
    at = datetime(2026, 10, 24, 13, tzinfo=UTC).isoformat()
    assert tell(tmp_path, cron(schedule="@hourly"), at=at, count=1).lines == ["2026-10-24T14:00:00+00:00"]
