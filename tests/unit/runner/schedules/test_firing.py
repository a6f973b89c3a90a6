"""What comes of a slot's turn: at noon, of a schedule of each full hour that is judged up to eleven."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from scriptorium_api import cron_runs, names, slot_verdicts
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import CronScript
from scriptorium_api.reasons import Phase, Reason
from scriptorium_runner.executions.errors import NoRoom, Refused, Unreachable, Vanished
from scriptorium_runner.schedules import firing
from scriptorium_runner.schedules.firing import Fired, Turn, fire
from scriptorium_runner.schedules.ports import Made
from tests.support.makers import NOW
from tests.support.waiting import until_async
from tests.unit.runner.schedules.fakes import ELEVEN, MemoryCalendar, make_cron_script

SOON = NOW + timedelta(seconds=1)
DUE = Turn(now=SOON)
NOON_RUN = names.slot_run_name("nightly", NOW)
FORMER_RUN = names.slot_run_name("nightly", ELEVEN)


def make_calendar(begin: datetime = ELEVEN, **spec: Any) -> tuple[MemoryCalendar, CronScript]:
    cron_script = make_cron_script(begin=begin, **spec)
    return MemoryCalendar({"nightly": cron_script}), cron_script


def begin_former(calendar: MemoryCalendar, cron_script: CronScript, phase: Phase = Phase.RUNNING) -> str:
    """Have the run of the slot before, and give its name."""
    return calendar.add_run(cron_runs.build_run(cron_script, ELEVEN, None), phase).metadata.name


def name_of(fired: Fired) -> str | None:
    return fired.run.metadata.name if fired.run else None


async def test_a_slot_gets_its_run_and_counts_as_judged() -> None:
    calendar, cron_script = make_calendar()
    fired = await fire(calendar, cron_script, DUE)
    assert (name_of(fired), fired.is_waiting) == (NOON_RUN, False)
    assert calendar.status_of().accounted_until == NOW
    assert calendar.misses_of() == []


async def test_before_a_slot_nothing_is_written() -> None:
    calendar, cron_script = make_calendar()
    assert await fire(calendar, cron_script, Turn(now=NOW - timedelta(seconds=1))) == Fired()
    assert calendar.calls == ["read_cron_script", "list_runs"]


async def test_a_slot_that_two_fire_at_once_has_one_run() -> None:
    calendar, cron_script = make_calendar()
    fired = await asyncio.gather(*(fire(calendar, cron_script, DUE) for _ in range(2)))
    assert calendar.made == [NOON_RUN]
    assert {name_of(each) for each in fired} <= {NOON_RUN, None}
    assert calendar.misses_of() == []
    assert calendar.status_of().accounted_until == NOW


async def test_a_slot_that_a_job_fires_again_gives_the_run_that_has_not_ended() -> None:
    calendar, cron_script = make_calendar(executor="Job")
    turn = Turn(now=SOON, slot=NOW, firer=Firer("job", "uid-job"))
    assert name_of(await fire(calendar, cron_script, turn)) == NOON_RUN
    assert name_of(await fire(calendar, cron_script, turn)) == NOON_RUN
    calendar.end_run(NOON_RUN)
    assert await fire(calendar, cron_script, turn) == Fired()
    assert calendar.made == [NOON_RUN]


async def test_a_slot_that_another_job_runs_is_waited_for_and_then_nothing_is_done() -> None:
    calendar, cron_script = make_calendar(executor="Job")
    first, second = (Turn(now=SOON, slot=NOW, firer=Firer(name, f"uid-{name}")) for name in ("a", "b"))
    await fire(calendar, cron_script, first)
    assert await fire(calendar, cron_script, second) == Fired(is_waiting=True)
    calendar.end_run(NOON_RUN)
    assert await fire(calendar, cron_script, second) == Fired()
    assert (calendar.made, calendar.misses_of()) == ([NOON_RUN], [])


async def test_a_run_that_another_job_made_at_the_same_moment_is_that_jobs() -> None:
    calendar, cron_script = make_calendar(executor="Job")
    theirs = cron_runs.build_run(cron_script, NOW, Firer("a", "uid-a"))
    calendar.meanwhile["make_run"] = lambda: calendar.add_run(theirs)
    turn = Turn(now=SOON, slot=NOW, firer=Firer("b", "uid-b"))
    assert await fire(calendar, cron_script, turn) == Fired(is_waiting=True)
    assert calendar.status_of().accounted_until == NOW


async def test_a_job_finds_the_run_that_it_made_for_another_slot_when_an_answer_was_lost() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=2), missedRuns="RunAll", executor="Job")
    calendar.now = lambda: SOON
    calendar.faults["record"] = [Unreachable("nobody answers")]
    turn = Turn(now=SOON, slot=NOW, firer=Firer("a", "uid-a"))
    with pytest.raises(Unreachable):
        await fire(calendar, cron_script, turn)
    found = await fire(calendar, cron_script, turn)
    assert (name_of(found), found.is_waiting) == (calendar.made[0], True)
    calendar.change_run(calendar.made[0], phase=Phase.RUNNING, attempt=1)
    assert await fire(calendar, cron_script, turn) == Fired(is_waiting=True)
    assert len(calendar.made) == 1


async def test_forbid_skips_a_slot_while_a_run_has_not_ended() -> None:
    calendar, cron_script = make_calendar()
    begin_former(calendar, cron_script)
    assert await fire(calendar, cron_script, DUE) == Fired()
    assert calendar.misses_of() == [("Overlap", 1)]
    assert calendar.status_of().skipped_runs == 1
    assert calendar.status_of().accounted_until == NOW
    assert FORMER_RUN in calendar.status_of().misses[0].message


async def test_slots_that_one_long_run_skips_are_one_record() -> None:
    calendar, cron_script = make_calendar()
    begin_former(calendar, cron_script)
    for number in range(3):
        await fire(calendar, cron_script, Turn(now=SOON + timedelta(hours=number)))
    assert calendar.misses_of() == [("Overlap", 3)]
    assert calendar.status_of().misses[0].last_scheduled_time == NOW + timedelta(hours=2)
    assert calendar.status_of().skipped_runs == 3


async def test_records_of_slots_that_are_not_in_a_row_stay_apart() -> None:
    calendar, cron_script = make_calendar(suspend=True)
    await fire(calendar, cron_script, DUE)
    later = calendar.status_of().model_copy(update={"accounted_until": NOW + timedelta(hours=1)})
    calendar.put(calendar.cron_scripts["nightly"].model_copy(update={"status": later}))
    await fire(calendar, cron_script, Turn(now=SOON + timedelta(hours=2)))
    assert calendar.misses_of() == [("Suspended", 1), ("Suspended", 1)]


async def test_replace_makes_the_run_when_the_former_one_has_ended() -> None:
    calendar, cron_script = make_calendar(concurrencyPolicy="Replace")
    former = begin_former(calendar, cron_script)
    turn = asyncio.create_task(fire(calendar, cron_script, DUE))
    await until_async(lambda: calendar.runs[former].status.replaced_by)
    assert calendar.runs[former].status.replaced_by == NOON_RUN
    assert calendar.made == []
    calendar.change_run(former, phase=Phase.CANCELLED, reason=Reason.CANCELLED)
    assert name_of(await turn) == NOON_RUN


async def test_replace_marks_a_run_also_where_somebody_else_writes_at_the_same_moment() -> None:
    calendar, cron_script = make_calendar(concurrencyPolicy="Replace")
    former = begin_former(calendar, cron_script)
    calendar.meanwhile["write_status"] = lambda: calendar.change_run(former, message="claimed")
    turn = asyncio.create_task(fire(calendar, cron_script, DUE))
    await until_async(lambda: calendar.runs[former].status.replaced_by)
    calendar.end_run(former)
    assert name_of(await turn) == NOON_RUN


async def test_replace_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "REPLACED_SECONDS", 0.01)
    calendar, cron_script = make_calendar(concurrencyPolicy="Replace")
    begin_former(calendar, cron_script)
    assert name_of(await fire(calendar, cron_script, DUE)) == NOON_RUN


async def test_run_all_runs_the_slots_of_an_outage_one_after_another() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=2), missedRuns="RunAll")
    wanted, late = [ELEVEN - timedelta(hours=1), ELEVEN, NOW], Turn(now=NOW + timedelta(minutes=30))
    for number, slot in enumerate(wanted, 1):
        fired = await fire(calendar, cron_script, late)
        assert calendar.slots_of() == wanted[:number]
        assert fired.is_waiting == (slot != NOW)
        assert fired.run is not None
        if slot != NOW:
            assert (await fire(calendar, cron_script, late)).is_waiting
            assert calendar.slots_of() == wanted[:number]
        calendar.end_run(fired.run.metadata.name)
    assert calendar.misses_of() == []
    assert calendar.status_of().accounted_until == NOW


async def test_jobs_that_catch_up_do_not_replace_each_others_runs() -> None:
    calendar, cron_script = make_calendar(
        ELEVEN - timedelta(hours=3), missedRuns="RunAll", concurrencyPolicy="Replace", executor="Job"
    )
    late = NOW + timedelta(minutes=30)
    calendar.now = lambda: late
    turns = [Turn(now=late, slot=NOW, firer=Firer(name, f"uid-{name}")) for name in ("a", "b")]
    first = await fire(calendar, cron_script, turns[0])
    assert await fire(calendar, cron_script, turns[1]) == Fired(is_waiting=True)
    assert calendar.made == [name_of(first)]
    assert not calendar.runs[calendar.made[0]].is_cancelled


@pytest.mark.parametrize(
    ("late", "spec", "firer", "is_outage"),
    [
        (59, {}, None, False),
        (61, {}, None, True),
        (0, {"jitterSeconds": 1800}, None, False),
        (150, {}, Firer("a", "uid-a"), False),
        (200, {}, Firer("a", "uid-a"), True),
    ],
)
async def test_jitter_and_a_slow_pod_are_no_outage(
    late: int, spec: dict[str, Any], firer: Firer | None, is_outage: bool
) -> None:
    calendar, cron_script = make_calendar(missedRuns="RunAll", **spec)
    planned = slot_verdicts.find_start(ELEVEN, spec.get("jitterSeconds", 0), "uid-nightly")
    calendar.now = lambda: max(planned, ELEVEN + timedelta(seconds=late))
    calendar.add_run(cron_runs.build_run(cron_script, ELEVEN, firer), Phase.RUNNING)
    fired = await fire(calendar, cron_script, DUE)
    assert fired.is_waiting == is_outage
    assert calendar.misses_of() == ([] if is_outage else [("Overlap", 1)])


async def test_run_once_runs_the_latest_slot_of_an_outage_and_records_the_others() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=3))
    assert name_of(await fire(calendar, cron_script, DUE)) == NOON_RUN
    assert calendar.misses_of() == [("Outage", 3)]


async def test_a_record_that_is_lost_to_a_conflict_is_written_and_the_run_made_once() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=3))
    calendar.meanwhile["record"] = lambda: calendar.touch("nightly")
    assert name_of(await fire(calendar, cron_script, DUE)) == NOON_RUN
    assert calendar.made == [NOON_RUN]
    assert calendar.misses_of() == [("Outage", 3)]
    assert calendar.status_of().active == 1


async def test_what_another_has_judged_meanwhile_is_not_recorded_again() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=3))

    def judge() -> None:
        status = calendar.status_of().model_copy(update={"accounted_until": NOW, "missed_runs": 3})
        calendar.put(calendar.cron_scripts["nightly"].model_copy(update={"status": status}))

    calendar.meanwhile["record"] = judge
    await fire(calendar, cron_script, DUE)
    assert calendar.status_of().missed_runs == 3


async def test_a_slot_whose_run_was_made_by_one_who_died_is_recorded_by_the_next() -> None:
    calendar, cron_script = make_calendar()
    calendar.faults["record"] = [Unreachable("nobody answers")]
    with pytest.raises(Unreachable):
        await fire(calendar, cron_script, DUE)
    assert calendar.status_of().accounted_until == ELEVEN
    await fire(calendar, cron_script, Turn(now=SOON + timedelta(seconds=5)))
    assert (calendar.made, calendar.misses_of()) == ([NOON_RUN], [])
    assert calendar.status_of().accounted_until == NOW


async def test_a_slot_for_whose_run_a_quota_has_no_room_is_recorded() -> None:
    calendar, cron_script = make_calendar()
    words = "exceeded quota: runs, requested: 1, used: 5, limited: 5"
    calendar.faults["make_run"] = [NoRoom(words)]
    assert await fire(calendar, cron_script, DUE) == Fired()
    (miss,) = calendar.status_of().misses
    assert (miss.reason.value, miss.scheduled_time, miss.message) == ("QuotaExceeded", NOW, words)
    assert calendar.status_of().accounted_until == NOW


async def test_of_several_slots_none_is_recorded_for_a_quota_before_its_turn() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=1), missedRuns="RunAll")
    calendar.faults["make_run"] = [NoRoom("exceeded quota: runs")]
    with pytest.raises(NoRoom):
        await fire(calendar, cron_script, DUE)
    assert calendar.misses_of() == []


def make_rivals(
    policy: str, later: Phase, earlier: Phase = Phase.PENDING, **spec: Any
) -> tuple[MemoryCalendar, CronScript]:
    """Have another slot's run appear, made at the same moment as that of noon, when both are there."""
    calendar, cron_script = make_calendar(concurrencyPolicy=policy, **spec)

    def appear() -> None:
        begin_former(calendar, cron_script, earlier)
        if earlier is Phase.RUNNING:
            calendar.change_run(FORMER_RUN, attempt=1)
        if later is Phase.RUNNING:
            calendar.change_run(NOON_RUN, phase=later, attempt=1)

    calendar.meanwhile["record"] = appear
    return calendar, cron_script


async def test_of_two_slots_that_were_judged_at_the_same_moment_the_later_yields() -> None:
    calendar, cron_script = make_rivals("Forbid", Phase.PENDING)
    assert name_of(await fire(calendar, cron_script, DUE)) is None
    yielded = calendar.runs[NOON_RUN].status
    assert (yielded.phase, yielded.reason) == (Phase.CANCELLED, Reason.CANCELLED)
    assert FORMER_RUN in (yielded.message or "")
    assert not calendar.runs[FORMER_RUN].status.phase.is_terminal


async def test_who_runs_already_does_not_yield_to_one_that_does_not() -> None:
    calendar, cron_script = make_rivals("Forbid", Phase.RUNNING)
    assert name_of(await fire(calendar, cron_script, DUE)) == NOON_RUN
    assert not calendar.runs[NOON_RUN].is_cancelled


async def test_of_two_that_run_already_the_later_is_stopped() -> None:
    calendar, cron_script = make_rivals("Forbid", Phase.RUNNING, Phase.RUNNING)
    assert name_of(await fire(calendar, cron_script, DUE)) is None
    assert calendar.runs[NOON_RUN].status.replaced_by == FORMER_RUN
    assert not calendar.runs[FORMER_RUN].is_cancelled


async def test_a_run_that_is_taken_while_it_is_to_yield_is_looked_at_again() -> None:
    calendar, cron_script = make_rivals("Forbid", Phase.PENDING)
    calendar.meanwhile["write_status"] = lambda: calendar.change_run(NOON_RUN, phase=Phase.RUNNING, attempt=1)
    # It runs now and the other does not: that one is to yield.
    assert name_of(await fire(calendar, cron_script, DUE)) == NOON_RUN
    assert not calendar.runs[NOON_RUN].is_cancelled


async def test_of_two_that_are_both_taken_while_one_is_to_yield_the_later_is_stopped() -> None:
    calendar, cron_script = make_rivals("Forbid", Phase.PENDING)

    def take_both() -> None:
        for name in (FORMER_RUN, NOON_RUN):
            calendar.change_run(name, phase=Phase.RUNNING, attempt=1)

    calendar.meanwhile["write_status"] = take_both
    assert name_of(await fire(calendar, cron_script, DUE)) is None
    assert calendar.runs[NOON_RUN].status.replaced_by == FORMER_RUN


async def test_who_is_to_yield_is_found_out_although_nobody_answers_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(firing, "_TRY_SECONDS", 0.0)
    calendar, cron_script = make_rivals("Forbid", Phase.PENDING)
    appear = calendar.meanwhile["record"]

    def fail_and_appear() -> None:
        appear()
        calendar.faults["list_runs"] = [Unreachable("nobody answers")] * 3

    calendar.meanwhile["record"] = fail_and_appear
    assert name_of(await fire(calendar, cron_script, DUE)) is None
    assert calendar.runs[NOON_RUN].status.phase is Phase.CANCELLED


async def test_a_job_that_finds_its_run_looks_again_whether_it_has_to_yield(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(firing, "_TRY_SECONDS", 0.0)
    calendar, cron_script = make_rivals("Forbid", Phase.PENDING, executor="Job")
    turn = Turn(now=SOON, slot=NOW, firer=Firer("a", "uid-a"))
    appear = calendar.meanwhile["record"]

    def fail_and_appear() -> None:
        appear()
        calendar.faults["list_runs"] = [Unreachable("nobody answers")] * 5

    calendar.meanwhile["record"] = fail_and_appear
    with pytest.raises(Unreachable):
        await fire(calendar, cron_script, turn)
    assert name_of(await fire(calendar, cron_script, turn)) is None
    assert calendar.runs[NOON_RUN].status.phase is Phase.CANCELLED


@pytest.mark.parametrize(("slow", "fast"), [(ELEVEN, NOW), (NOW, ELEVEN)])
async def test_of_two_runs_made_in_one_second_that_which_is_recorded_first_goes_on(
    slow: datetime, fast: datetime
) -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=1), missedRuns="Skip", executor="Job")
    has_come, is_done = asyncio.Event(), asyncio.Event()

    class Slow(MemoryCalendar):
        """Makes its run when the other has looked whether there is one before it, and found none."""

        async def make_run(self, manifest: dict[str, Any]) -> Made:
            has_come.set()
            await is_done.wait()
            return await calendar.make_run(manifest)

    late = Slow(calendar.cron_scripts, calendar.runs)
    slower = asyncio.create_task(fire(late, cron_script, make_turn(slow)))
    await has_come.wait()
    assert name_of(await fire(calendar, cron_script, make_turn(fast))) == names.slot_run_name("nightly", fast)
    is_done.set()
    assert await slower == Fired(is_waiting=True)
    assert await fire(calendar, cron_script, make_turn(slow)) == Fired()
    yielded = calendar.runs[names.slot_run_name("nightly", slow)].status
    assert yielded.phase is Phase.CANCELLED
    assert names.slot_run_name("nightly", fast) in (yielded.message or "")
    assert not calendar.runs[names.slot_run_name("nightly", fast)].is_cancelled


def make_turn(slot: datetime) -> Turn:
    return Turn(now=slot + timedelta(seconds=1), slot=slot, firer=Firer(f"job-{slot:%H}", "uid"))


async def test_where_runs_may_overlap_none_yields() -> None:
    calendar, cron_script = make_rivals("Allow", Phase.PENDING)
    assert name_of(await fire(calendar, cron_script, DUE)) == NOON_RUN
    assert calendar.calls == ["read_cron_script", "list_runs", "make_run", "record"]


async def test_the_slots_of_a_suspended_schedule_are_recorded() -> None:
    calendar, cron_script = make_calendar(ELEVEN - timedelta(hours=1), suspend=True)
    assert await fire(calendar, cron_script, DUE) == Fired()
    assert calendar.misses_of() == [("Suspended", 2)]


async def test_a_schedule_that_was_deleted_fires_nothing() -> None:
    calendar, cron_script = make_calendar()
    calendar.cron_scripts.clear()
    with pytest.raises(Vanished):
        await fire(calendar, cron_script, DUE)
    assert calendar.made == []


async def test_a_schedule_that_was_deleted_and_made_again_is_another_one() -> None:
    calendar, cron_script = make_calendar()
    metadata = cron_script.metadata.model_copy(update={"uid": "another"})
    calendar.cron_scripts["nightly"] = cron_script.model_copy(update={"metadata": metadata})
    with pytest.raises(Vanished):
        await fire(calendar, cron_script, DUE)


async def test_a_slot_whose_runs_name_is_anothers_is_refused_and_stays_to_be_judged() -> None:
    calendar, cron_script = make_calendar()
    stranger = cron_runs.build_run(cron_script, NOW, None)
    stranger["metadata"]["ownerReferences"][0]["uid"] = "another"
    calendar.add_run(stranger, Phase.SUCCEEDED)
    with pytest.raises(Refused):
        await fire(calendar, cron_script, DUE)
    assert calendar.status_of().accounted_until == ELEVEN


async def test_what_a_changed_schedule_left_is_recorded_and_nothing_of_the_past_is_run() -> None:
    calendar, former = make_calendar(ELEVEN - timedelta(hours=1))
    changed = calendar.edit("nightly", schedule="30 * * * *")
    await fire(calendar, changed, Turn(now=SOON, former=former.spec))
    assert (calendar.made, calendar.misses_of()) == ([], [("Outage", 1), ("ScheduleChanged", 1)])
    assert calendar.status_of().accounted_until == SOON


async def test_what_passed_while_a_schedule_was_suspended_is_skipped_when_it_is_resumed() -> None:
    calendar, former = make_calendar(ELEVEN - timedelta(hours=1), suspend=True)
    resumed = calendar.edit("nightly", suspend=False)
    await fire(calendar, resumed, Turn(now=SOON, former=former.spec))
    assert (calendar.made, calendar.misses_of()) == ([], [("Suspended", 2)])


async def test_a_changed_schedule_whose_slots_all_ran_has_nothing_to_record() -> None:
    calendar, former = make_calendar(NOW)
    changed = calendar.edit("nightly", schedule="30 * * * *")
    await fire(calendar, changed, Turn(now=SOON, former=former.spec))
    assert "record" not in calendar.calls
