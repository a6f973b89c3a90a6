"""The slots of a session, by a clock that the test turns."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scriptorium_api import ending
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.dev import table
from scriptorium_runner.dev.shelf import Shelf
from scriptorium_runner.dev.timetable import Timetable
from scriptorium_runner.schedules import firing
from scriptorium_runner.sources.file_calendar import FileCalendar
from scriptorium_runner.sources.files import FileBoard
from tests.support.waiting import until_async
from tests.unit.runner.dev.manifests import cron, script


class Machine:
    """A folder of one file and the timetable of a session; runs end when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.made: list[ScriptExecution] = []
        self.told: list[str] = []
        self.changed: list[ScriptExecution] = []
        self.set("12:00:30")
        self.board = FileBoard()
        self.board.on_change = self.changed.append
        self.calendar = FileCalendar(
            self.board, self.made.append, lambda owner, miss: self.told.append(table.render_miss(owner, miss))
        )
        self.timetable = Timetable(self.calendar, lambda: self._now)
        self._file, self._shelf = folder / "a.yaml", Shelf([folder])

    def set(self, time: str) -> None:
        """Set the clock, on the 1 May if no day is given."""
        self._now = datetime.fromisoformat(f"{time if 'T' in time else f'2026-05-01T{time}'}+00:00")

    def write(self, *manifests: str) -> None:
        """Have these be what the files hold."""
        self._file.write_text("---\n".join([script("return 1"), *manifests]))
        loaded = self._shelf.load(self._shelf.look())
        assert loaded.problems == []
        self.timetable.take(loaded)

    async def be_at(self, *times: str) -> None:
        """Have it be these times, one after another, and wait until all turns are over."""
        for time in times:
            self.set(time)
            self.timetable.start_due()
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        self.timetable.start_due()

    @property
    def slots(self) -> list[str]:
        """Give the slots of the runs that were made."""
        return [f"{slot_of(run):%H:%M}" for run in self.made]

    async def end(self, run: ScriptExecution, reason: Reason = Reason.COMPLETED) -> None:
        """Have a run end, as the dispatcher would."""
        current = await self.board.read(run)
        await self.board.write_status(current, ending.build_end(current, reason, None, self._now))


def slot_of(run: ScriptExecution) -> datetime:
    assert run.spec.fired_by
    assert run.spec.fired_by.scheduled_time
    return run.spec.fired_by.scheduled_time


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_a_slot_is_run_at_its_time_and_once(machine: Machine) -> None:
    machine.write(cron())
    await machine.be_at("12:00:31", "12:00:59")
    assert machine.slots == []
    await machine.be_at("12:01:00", "12:01:01")
    assert machine.slots == ["12:01"]
    await machine.end(machine.made[0])
    await machine.be_at("12:01:59", "12:02:00.4")
    assert machine.slots == ["12:01", "12:02"]
    assert machine.told == []


async def test_the_run_of_a_slot_is_the_schedules(machine: Machine) -> None:
    machine.write(cron(input="{days: 1}", timeoutSeconds="5"))
    await machine.be_at("12:01:00")
    run = machine.made[0]
    assert run.metadata.name == f"nightly-{int(slot_of(run).timestamp()) // 60}"
    assert (run.spec.input, run.spec.timeout_seconds) == ({"days": 1}, 5)
    assert run.trigger == "Cron"
    assert run.metadata.namespace == "default"


@pytest.mark.parametrize("executor", ["Job", "Pool"])
async def test_either_executor_runs_here(machine: Machine, executor: str) -> None:
    machine.write(cron(executor=executor))
    await machine.be_at("12:01:00")
    assert machine.slots == ["12:01"]


async def test_a_slot_of_a_clock_that_was_set_back_is_not_run_again(machine: Machine) -> None:
    machine.write(cron())
    await machine.be_at("12:01:00")
    await machine.end(machine.made[0])
    await machine.be_at("12:00:30", "12:01:00", "12:01:30")
    assert machine.slots == ["12:01"]


async def test_forbid_skips_the_slot_for_good_and_says_so(machine: Machine) -> None:
    machine.write(cron(timeZone="Europe/Berlin"))
    await machine.be_at("12:01:00", "12:02:00")
    slot, cause = "slot 2026-05-01T14:02:00+02:00", f"{machine.made[0].metadata.name} had not ended"
    assert machine.told == [f"nightly: {slot} Skipped (Overlap): {cause}; concurrencyPolicy is Forbid"]
    await machine.end(machine.made[0])
    await machine.be_at("12:02:30", "12:03:00")
    assert machine.slots == ["12:01", "12:03"]


async def test_allow_runs_beside_the_other(machine: Machine) -> None:
    machine.write(cron(concurrencyPolicy="Allow"))
    await machine.be_at("12:01:00", "12:02:00")
    assert (machine.slots, machine.told) == (["12:01", "12:02"], [])


async def test_replace_has_the_other_stopped_before_it_runs(machine: Machine) -> None:
    machine.write(cron(concurrencyPolicy="Replace"))
    await machine.be_at("12:01:00")
    machine.set("12:02:00")
    machine.timetable.start_due()
    await until_async(lambda: machine.changed)
    assert machine.changed[0].is_cancelled
    assert machine.slots == ["12:01"]
    await machine.end(machine.made[0], Reason.CANCELLED)
    await until_async(lambda: machine.slots == ["12:01", "12:02"])
    assert machine.told == []


@pytest.mark.parametrize(
    ("policy", "schedule", "slots", "told"),
    [
        (
            "Skip",
            "*/5 * * * *",
            [],
            "41 slots, {day}T12:05:00+00:00 to {day}T15:25:00+00:00 Missed (Outage): ",
        ),
        (
            "RunOnce",
            "*/5 * * * *",
            ["15:25"],
            "40 slots, {day}T12:05:00+00:00 to {day}T15:20:00+00:00 Missed (Outage): ",
        ),
        (
            "RunAll",
            "* * * * *",
            ["13:50"],
            "109 slots, {day}T12:01:00+00:00 to {day}T13:49:00+00:00 Missed (CatchUpLimit): ",
        ),
    ],
)
async def test_a_machine_that_slept_wakes_without_a_burst(
    machine: Machine, policy: str, schedule: str, slots: list[str], told: str
) -> None:
    machine.write(cron(schedule=schedule, missedRuns=policy))
    await machine.be_at("15:29:30", "15:29:31")
    assert machine.slots == slots
    assert [each.startswith(f"nightly: {told.format(day='2026-05-01')}") for each in machine.told] == [True]


async def test_run_all_catches_up_one_after_another(machine: Machine) -> None:
    machine.write(cron(missedRuns="RunAll"))
    await machine.be_at("12:03:10")
    assert machine.slots == ["12:01"]
    await machine.be_at("12:03:20")
    assert machine.slots == ["12:01"]
    for number in range(2):
        await machine.end(machine.made[number])
        await machine.be_at(f"12:03:3{number}")
    assert machine.slots == ["12:01", "12:02", "12:03"]
    assert machine.told == []


async def test_a_slot_whose_deadline_passed_is_late(machine: Machine) -> None:
    machine.write(cron(startingDeadlineSeconds="10"))
    await machine.be_at("12:01:30")
    assert machine.slots == []
    assert machine.told[0].startswith("nightly: slot 2026-05-01T12:01:00+00:00 Late (DeadlinePassed): ")


async def test_jitter_moves_the_start_and_makes_no_slot_late(machine: Machine) -> None:
    punctual = {"missedRuns": "Skip", "startingDeadlineSeconds": "10"}
    machine.write(cron(schedule="@hourly", jitterSeconds="3000", **punctual))
    pause = timedelta(seconds=machine.timetable.find_pause(1e6))
    start = datetime.fromisoformat("2026-05-01T12:00:30") + pause
    assert start.minute > 0
    await machine.be_at((start - timedelta(seconds=1)).isoformat())
    assert machine.slots == []
    await machine.be_at((start + timedelta(seconds=1)).isoformat())
    assert (machine.slots, machine.told) == (["13:00"], [])


def test_jitter_is_the_same_in_the_next_session(tmp_path: Path) -> None:
    pauses = set()
    for _ in range(2):
        machine = Machine(tmp_path)
        machine.write(cron(schedule="@hourly", jitterSeconds="3000"))
        pauses.add(machine.timetable.find_pause(1e6))
    assert len(pauses) == 1


async def test_what_a_suspension_skips_is_told_now_and_then_and_when_it_ends(machine: Machine) -> None:
    machine.write(cron(suspend="true"))
    await machine.be_at("12:01:00", "12:05:00")
    assert machine.told == []
    await machine.be_at("12:10:30")
    assert machine.told[0].startswith(
        "nightly: 10 slots, 2026-05-01T12:01:00+00:00 to 2026-05-01T12:10:00+00:00 Skipped (Suspended): "
    )
    machine.set("12:12:30")
    machine.write(cron())
    assert machine.told[1].startswith("nightly: 2 slots, 2026-05-01T12:11:00+00:00 to 2026-05-01T12:12:00")
    await machine.be_at("12:12:40", "12:13:00")
    assert machine.slots == ["12:13"]


async def test_a_schedule_that_is_edited_runs_nothing_of_the_past(machine: Machine) -> None:
    machine.write(cron(schedule="0 * * * *"))
    machine.set("12:05:00")
    machine.write(cron(schedule="*/2 * * * *"))
    await machine.be_at("12:05:30", "12:06:00")
    assert (machine.slots, machine.told) == (["12:06"], [])


async def test_slots_that_an_edit_overtakes_are_told(machine: Machine) -> None:
    machine.write(cron())
    machine.set("12:01:10")
    machine.write(cron(schedule="@hourly"))
    assert machine.told[0].startswith(
        "nightly: slot 2026-05-01T12:01:00+00:00 Skipped (ScheduleChanged): the schedule"
    )
    await machine.be_at("12:59:59", "13:00:00")
    assert machine.slots == ["13:00"]


async def test_another_input_counts_from_the_next_slot(machine: Machine) -> None:
    machine.write(cron(input="{days: 1}", concurrencyPolicy="Allow"))
    await machine.be_at("12:01:00")
    machine.write(cron(input="{days: 2}", concurrencyPolicy="Allow"))
    await machine.be_at("12:02:00")
    assert [run.spec.input for run in machine.made] == [{"days": 1}, {"days": 2}]


async def test_a_schedule_that_is_removed_takes_its_runs_with_it(machine: Machine) -> None:
    machine.write(cron(), cron("other"))
    await machine.be_at("12:01:00")
    machine.write(cron("other"))
    orphans = [run.spec.fired_by for run in machine.board.list_orphans()]
    assert [fired_by and fired_by.cron_script for fired_by in orphans] == ["nightly"]
    await machine.be_at("12:02:00")
    assert machine.slots == ["12:01", "12:01"]


async def test_a_schedule_that_is_removed_while_a_slot_waits_runs_it_no_more(machine: Machine) -> None:
    machine.write(cron(concurrencyPolicy="Replace"))
    await machine.be_at("12:01:00")
    machine.set("12:02:00")
    machine.timetable.start_due()
    await until_async(lambda: machine.changed)
    machine.write()
    await machine.end(machine.made[0], Reason.CANCELLED)
    await machine.be_at("12:02:10")
    assert machine.slots == ["12:01"]


async def test_the_schedule_knows_its_last_success(machine: Machine) -> None:
    machine.write(cron())
    await machine.be_at("12:01:00")
    await machine.end(machine.made[0])
    await machine.be_at("12:02:00")
    await machine.end(machine.made[1], Reason.SCRIPT_ERROR)
    found = machine.board.find_cron_script("default", "nightly")
    assert found
    assert f"{found.status.last_successful_time:%H:%M}" == "12:01"


async def test_an_hour_that_is_repeated_runs_twice(machine: Machine) -> None:
    machine.set("2026-10-24T20:00:00")
    machine.write(cron(schedule="30 2 * * *", timeZone="Europe/Berlin", concurrencyPolicy="Allow"))
    await machine.be_at("2026-10-25T00:30:00", "2026-10-25T01:00:00", "2026-10-25T01:30:00")
    assert machine.slots == ["00:30", "01:30"]


def test_the_pause_is_until_the_next_slot_but_no_longer_than_allowed(machine: Machine) -> None:
    assert machine.timetable.find_pause(0.4) == 0.4
    machine.write(cron(), cron("hourly", "@hourly"))
    assert machine.timetable.find_pause(0.4) == 0.4
    assert machine.timetable.find_pause(1000) == 30
    machine.set("12:00:59.9")
    assert machine.timetable.find_pause(0.4) == pytest.approx(0.1)
    machine.set("12:01:07")
    assert machine.timetable.find_pause(0.4) == 0


async def test_a_turn_that_breaks_is_no_secret(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*_arguments: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(firing, "fire", break_down)
    machine.write(cron())
    machine.set("12:01:00")
    machine.timetable.start_due()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    with pytest.raises(RuntimeError, match="broken"):
        machine.timetable.start_due()


async def test_a_session_that_ends_leaves_no_turn_behind(machine: Machine) -> None:
    machine.write(cron(concurrencyPolicy="Replace"))
    await machine.be_at("12:01:00")
    machine.set("12:02:00")
    machine.timetable.start_due()
    await until_async(lambda: machine.changed)
    await machine.timetable.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_is_remembered_of_runs_does_not_grow(machine: Machine) -> None:
    machine.write(cron())
    for minute in range(1, 30):
        await machine.be_at(f"12:{minute:02}:00")
        await machine.end(machine.made[-1])
    found = machine.board.find_cron_script("default", "nightly")
    assert found
    assert len(machine.made) == 29
    kept = machine.board.list_fired(found)
    assert len(kept) <= 1
    assert all(run.status.phase is Phase.SUCCEEDED for run in kept)
