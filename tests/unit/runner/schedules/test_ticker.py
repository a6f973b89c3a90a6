"""When the runners of a pool fire: schedules of each full hour, at noon, unless a test says otherwise."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from scriptorium_api import cron_runs, names, slot_verdicts
from scriptorium_api.cron_script import CronScript, Executor
from scriptorium_api.reasons import Phase
from scriptorium_runner.executions.errors import Unreachable, Vanished
from scriptorium_runner.schedules import ticker, turn_times
from scriptorium_runner.schedules.ticker import LAG_SECONDS, MOST_TURNS, STEP_SECONDS, Standing, Ticker
from tests.support.makers import NOW
from tests.support.waiting import until_async
from tests.unit.runner.schedules.fakes import ELEVEN, MemoryCalendar, make_cron_script
from tests.unit.runner.schedules.pools import Pool

BEFORE = NOW - timedelta(seconds=5)
NOON_RUN = names.slot_run_name("nightly", NOW)
SECOND = timedelta(seconds=1)


def make_pool(now: datetime = BEFORE, runners: int = 1, begin: datetime = ELEVEN, **spec: Any) -> Pool:
    return Pool(make_cron_script(begin=begin, **spec), now=now, runners=runners)


async def test_a_slot_is_fired_at_its_time_and_once() -> None:
    pool = make_pool()
    await pool.pass_time(4.5)
    assert pool.calendar.calls == []
    await pool.pass_time(60)
    assert pool.calendar.made == [NOON_RUN]
    assert pool.calendar.runs[NOON_RUN].metadata.creation_timestamp == NOW


async def test_a_slot_with_jitter_starts_later_and_is_not_late_for_that() -> None:
    pool = make_pool(jitterSeconds=3000, missedRuns="Skip", startingDeadlineSeconds=10)
    start = slot_verdicts.find_start(NOW, 3000, "uid-nightly")
    assert start > NOW + timedelta(seconds=60)
    await pool.reach(start - SECOND)
    assert pool.calendar.made == []
    await pool.reach(start)
    assert pool.calendar.made == [NOON_RUN]
    assert pool.calendar.misses_of() == []


async def test_only_the_first_runner_fires() -> None:
    pool = make_pool(runners=3)
    await pool.pass_time(30)
    assert pool.calendar.made == [NOON_RUN]
    assert pool.calendar.calls.count("read_cron_script") == 1


async def test_the_next_runner_fires_when_the_first_has_not() -> None:
    pool = make_pool(runners=3)
    pool.dead = {0}
    await pool.reach(NOW)
    await pool.pass_time(STEP_SECONDS - 0.5)
    assert pool.calendar.made == []
    await pool.pass_time(0.5)
    assert pool.calendar.made == [NOON_RUN]
    await pool.pass_time(60)
    assert pool.calendar.calls.count("read_cron_script") == 1


async def test_a_runner_that_was_not_told_finds_the_slot_judged() -> None:
    pool = make_pool(runners=2)
    pool.deaf = {1}
    await pool.pass_time(120)
    assert pool.calendar.made == [NOON_RUN]
    assert pool.calendar.calls.count("record") == 1


async def test_a_runner_that_is_not_heard_fires_nothing_until_it_is() -> None:
    pool = make_pool()
    pool.is_heard = False
    await pool.pass_time(30)
    assert pool.calendar.calls == []
    pool.is_heard = True
    await pool.pass_time(2)
    assert pool.calendar.made == [NOON_RUN]


async def test_a_runner_that_was_told_to_stop_fires_nothing_and_ends_when_its_last_turn_has() -> None:
    pool = make_pool(now=NOW)
    (first,) = pool.tickers
    running = asyncio.create_task(first.run())
    await until_async(lambda: pool.calendar.calls)
    first.stop()
    await running
    assert pool.calendar.status_of().accounted_until == NOW
    await pool.reach(NOW + timedelta(hours=1))
    assert pool.calendar.made == [NOON_RUN]


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        ("Allow", ["read_cron_script", "make_run", "record"]),
        ("Replace", ["read_cron_script", "list_runs", "make_run", "record"]),
        ("Forbid", ["read_cron_script", "list_known_runs", "make_run", "record", "list_known_runs"]),
    ],
)
async def test_a_slot_takes_few_requests(policy: str, calls: list[str]) -> None:
    pool = make_pool(now=NOW, concurrencyPolicy=policy)
    await pool.pass_time(60)
    assert pool.calendar.calls == calls


async def test_a_watch_that_lags_has_no_slot_asked_for_again() -> None:
    pool = make_pool(now=NOW, concurrencyPolicy="Allow")
    pool.calendar.tell = lambda _cron_script: None
    await pool.pass_time(LAG_SECONDS - 1)
    assert pool.calendar.calls == ["read_cron_script", "make_run", "record"]
    await pool.pass_time(2)
    assert pool.calendar.calls.count("read_cron_script") == 2
    assert pool.calendar.made == [NOON_RUN]


async def test_where_runs_may_overlap_a_slot_that_has_its_run_is_recorded() -> None:
    pool = make_pool(now=NOW, concurrencyPolicy="Allow")
    pool.calendar.add_run(cron_runs.build_run(make_cron_script(), NOW, None), Phase.SUCCEEDED)
    await pool.settle()
    assert pool.calendar.made == []
    assert pool.calendar.status_of().accounted_until == NOW


async def test_where_runs_may_overlap_a_record_that_is_lost_is_written_in_the_same_turn() -> None:
    pool = make_pool(now=NOW, concurrencyPolicy="Allow")
    pool.calendar.meanwhile["record"] = lambda: pool.calendar.touch("nightly")
    await pool.settle()
    assert pool.calendar.status_of().accounted_until == NOW
    assert pool.calendar.calls.count("make_run") == 1


async def test_a_suspended_schedule_fires_nothing_and_tells_after_a_while() -> None:
    pool = make_pool(suspend=True)
    await pool.pass_time(300)
    assert pool.calendar.calls == []
    await pool.pass_time(310)
    assert pool.calendar.misses_of() == [("Suspended", 1)]
    assert pool.calendar.made == []


async def test_what_passed_while_it_was_suspended_is_not_run_when_it_is_resumed() -> None:
    pool = make_pool(suspend=True, runners=2)
    await pool.reach(NOW + timedelta(minutes=5))
    pool.calendar.edit("nightly", suspend=False)
    await pool.pass_time(10)
    assert pool.calendar.misses_of() == [("Suspended", 1)]
    await pool.reach(NOW + timedelta(hours=1))
    assert pool.calendar.slots_of() == [NOW + timedelta(hours=1)]


async def test_a_changed_schedule_runs_nothing_of_the_past() -> None:
    pool = make_pool(now=NOW - timedelta(minutes=20), runners=2)
    pool.calendar.edit("nightly", schedule="30 * * * *")
    await pool.pass_time(10)
    assert (pool.calendar.made, pool.calendar.misses_of()) == ([], [])
    await pool.reach(NOW)
    assert pool.calendar.made == []
    await pool.reach(NOW + timedelta(minutes=30))
    assert pool.calendar.slots_of() == [NOW + timedelta(minutes=30)]


async def test_a_schedule_that_is_changed_at_the_tick_runs_no_slot_of_the_other_one() -> None:
    pool = make_pool(runners=1)
    pool.deaf = {0}
    changed = pool.calendar.edit("nightly", schedule="30 * * * *")
    await pool.reach(NOW)
    assert (pool.calendar.made, pool.calendar.misses_of()) == ([], [])
    pool.deaf = set()
    pool.tickers[0].keep(changed)
    await pool.pass_time(5)
    assert (pool.calendar.made, pool.calendar.misses_of()) == ([], [("ScheduleChanged", 1)])
    await pool.reach(NOW + timedelta(minutes=30))
    assert pool.calendar.slots_of() == [NOW + timedelta(minutes=30)]


async def test_a_schedule_that_is_changed_there_and_back_has_its_slots() -> None:
    pool = make_pool(now=NOW)
    pool.calendar.edit("nightly", schedule="30 * * * *")
    pool.calendar.edit("nightly", schedule="@hourly")
    await pool.pass_time(5)
    assert (pool.calendar.made, pool.calendar.misses_of()) == ([NOON_RUN], [])


async def test_a_schedule_that_is_changed_twice_in_a_row_ends_as_the_latest_says() -> None:
    pool = make_pool(now=NOW + SECOND)
    pool.calendar.edit("nightly", schedule="20 * * * *")
    pool.calendar.meanwhile["list_runs"] = lambda: pool.calendar.edit("nightly", schedule="40 * * * *")
    await pool.pass_time(5)
    assert (pool.calendar.made, pool.calendar.misses_of()) == ([], [("ScheduleChanged", 1)])
    await pool.reach(NOW + timedelta(minutes=20))
    assert pool.calendar.made == []
    await pool.reach(NOW + timedelta(minutes=40))
    assert pool.calendar.slots_of() == [NOW + timedelta(minutes=40)]


async def test_a_change_that_comes_while_another_is_recorded_is_recorded_too() -> None:
    pool = make_pool(now=NOW + SECOND)

    def edit_again(recorded: CronScript) -> None:
        pool.calendar.tell = pool.tickers[0].keep
        pool.calendar.tell(recorded)
        pool.time = NOW + timedelta(minutes=20, seconds=5)
        pool.calendar.edit("nightly", schedule="40 * * * *")

    changed = pool.calendar.edit("nightly", schedule="20 * * * *")
    assert changed.status.accounted_until == ELEVEN
    pool.calendar.tell = edit_again
    await pool.pass_time(5)
    told = [(miss.reason, miss.scheduled_time) for miss in pool.calendar.status_of().misses]
    assert told == [("ScheduleChanged", NOW), ("ScheduleChanged", NOW + timedelta(minutes=20))]
    await pool.reach(NOW + timedelta(minutes=40))
    assert pool.calendar.slots_of() == [NOW + timedelta(minutes=40)]


async def test_a_schedule_that_has_no_meaning_is_left_alone_until_it_is_changed() -> None:
    pool = make_pool(schedule="0 0 31 2 *")
    await pool.reach(NOW + timedelta(days=1))
    assert pool.calendar.calls == []
    pool.calendar.edit("nightly", schedule="@hourly")
    await pool.reach(NOW + timedelta(days=1, hours=1))
    assert pool.calendar.slots_of() == [NOW + timedelta(days=1, hours=1)]


async def test_a_schedule_that_goes_to_jobs_is_fired_here_no_more() -> None:
    pool = make_pool()
    pool.calendar.edit("nightly", executor=Executor.JOB)
    await pool.reach(NOW)
    assert pool.calendar.calls == []


async def test_a_schedule_that_has_just_gone_to_jobs_is_left_to_them() -> None:
    pool = make_pool()
    pool.deaf = {0}
    pool.calendar.edit("nightly", executor=Executor.JOB)
    await pool.pass_time(600)
    assert set(pool.calendar.calls) == {"read_cron_script"}
    assert len(pool.calendar.calls) <= 30


async def test_a_deleted_schedule_is_fired_no_more() -> None:
    pool = make_pool()
    pool.tickers[0].forget("uid-nightly")
    await pool.reach(NOW)
    assert pool.calendar.calls == []
    assert len(pool.tickers[0]) == 0


async def test_a_schedule_that_is_gone_and_nobody_told_is_asked_for_more_and_more_seldom() -> None:
    pool = make_pool()
    pool.calendar.cron_scripts.clear()
    await pool.pass_time(600)
    assert set(pool.calendar.calls) == {"read_cron_script"}
    assert len(pool.calendar.calls) <= 30
    pool.tickers[0].forget("uid-nightly")
    pool.calendar.calls.clear()
    await pool.pass_time(600, step=5)
    assert pool.calendar.calls == []


async def test_a_schedule_that_is_still_there_fires_although_something_was_not_found() -> None:
    pool = make_pool()
    pool.calendar.faults["make_run"] = [Vanished("not found")]
    await pool.pass_time(5)
    assert pool.calendar.made == []
    await pool.pass_time(5)
    assert pool.calendar.made == [NOON_RUN]


async def test_a_turn_that_finds_its_schedule_gone_does_not_forget_one_that_came_since() -> None:
    pool = make_pool()
    pool.calendar.faults["read_cron_script"] = [Vanished("gone")]
    pool.calendar.meanwhile["read_cron_script"] = lambda: pool.calendar.touch("nightly")
    await pool.pass_time(60)
    assert pool.calendar.made == [NOON_RUN]


async def test_the_slots_of_one_that_was_made_again_under_the_same_name_are_its_own() -> None:
    pool = make_pool()
    again = make_cron_script(schedule="30 * * * *")
    pool.tickers[0].forget("uid-nightly")
    metadata = again.metadata.model_copy(update={"uid": "uid-again"})
    pool.calendar.put(again.model_copy(update={"metadata": metadata}))
    await pool.reach(NOW)
    # Of eleven thirty, as that schedule was there since eleven.
    assert pool.calendar.slots_of() == [ELEVEN + timedelta(minutes=30)]


async def test_while_nobody_answers_it_is_tried_again_more_and_more_seldom() -> None:
    pool = make_pool()
    pool.calendar.faults["read_cron_script"] = [Unreachable("nobody answers")] * 1000
    await pool.pass_time(600)
    tries = len(pool.calendar.calls)
    assert 10 <= tries <= 30
    pool.calendar.faults.clear()
    await pool.pass_time(61)
    assert pool.calendar.made == [NOON_RUN]


async def test_an_api_server_that_asks_for_a_pause_has_it() -> None:
    pool = make_pool()
    pool.calendar.faults["read_cron_script"] = [Unreachable("too many requests", retry_after=40)]
    await pool.reach(NOW)
    await pool.pass_time(39)
    assert pool.calendar.calls == ["read_cron_script"]
    await pool.pass_time(2)
    assert pool.calendar.made == [NOON_RUN]


async def test_a_bug_with_one_schedule_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool(make_cron_script("broken"), make_cron_script("nightly"), now=BEFORE)
    pool.calendar.faults["read_cron_script"] = [RuntimeError("a bug")]
    await pool.reach(NOW)
    assert len(pool.calendar.made) == 1
    assert "cannot fire slots, trying again" in [record.message for record in caplog.records]
    await pool.pass_time(5)
    assert len(pool.calendar.made) == 2


async def test_a_slot_whose_record_was_lost_has_one_run_and_is_recorded_later() -> None:
    pool = make_pool(runners=2)
    pool.calendar.faults["record"] = [Unreachable("nobody answers")] * 3
    await pool.pass_time(60)
    assert pool.calendar.made == [NOON_RUN]
    assert pool.calendar.misses_of() == []
    assert pool.calendar.status_of().accounted_until == NOW


def make_many(number: int, **spec: Any) -> list[CronScript]:
    return [make_cron_script(f"s{index}", **spec) for index in range(number)]


async def test_many_slots_of_the_same_minute_are_fired_some_at_once() -> None:
    pool = Pool(*make_many(300), now=BEFORE)
    await pool.reach(NOW)
    assert len(set(pool.calendar.made)) == 300
    assert pool.calendar.most_at_once == MOST_TURNS
    assert all(pool.calendar.status_of(name).accounted_until == NOW for name in pool.calendar.cron_scripts)


async def test_an_outage_is_caught_up_some_at_once_as_soon_as_the_runner_is_there() -> None:
    pool = Pool(*make_many(300, begin=ELEVEN - timedelta(hours=3)), now=NOW + timedelta(minutes=20))
    await pool.settle()
    assert len(set(pool.calendar.made)) == 300
    assert pool.calendar.most_at_once <= MOST_TURNS
    assert pool.calendar.misses_of("s7") == [("Outage", 3)]


async def test_what_is_on_time_does_not_wait_for_what_an_outage_has_left() -> None:
    late = make_many(100, schedule="0 11 * * *", begin=ELEVEN - timedelta(hours=1))
    pool = Pool(*late, make_cron_script(), now=NOW)
    await pool.settle()
    assert len(pool.calendar.made) == 101
    assert pool.calendar.made.index(NOON_RUN) < MOST_TURNS


async def test_what_another_has_judged_while_it_waited_for_its_turn_is_not_asked_for() -> None:
    pool = Pool(*make_many(50), now=NOW)
    pool.tickers[0].look()
    judged = pool.calendar.cron_scripts["s40"]
    status = judged.status.model_copy(update={"accounted_until": NOW})
    pool.calendar.put(judged.model_copy(update={"status": status}))
    await pool.settle()
    assert pool.calendar.calls.count("read_cron_script") == 49


async def test_two_runners_that_start_at_once_catch_up_in_their_order() -> None:
    pool = Pool(*make_many(40), now=NOW + timedelta(minutes=20), runners=2)
    await pool.pass_time(30)
    assert len(pool.calendar.made) == 40
    assert pool.calendar.calls.count("read_cron_script") == 40


@pytest.mark.parametrize("policy", ["Forbid", "Allow"])
async def test_run_all_catches_up_one_after_another_as_runs_end(policy: str) -> None:
    pool = make_pool(
        now=NOW + timedelta(minutes=30),
        runners=2,
        begin=ELEVEN - timedelta(hours=3),
        missedRuns="RunAll",
        concurrencyPolicy=policy,
    )
    for number in range(1, 5):
        await pool.pass_time(20)
        assert len(pool.calendar.made) == number
        pool.calendar.end_run(pool.calendar.made[-1])
        await pool.settle()
    assert pool.calendar.slots_of() == [NOW - timedelta(hours=hours) for hours in (3, 2, 1, 0)]
    assert pool.calendar.misses_of() == []
    assert pool.calendar.status_of().accounted_until == NOW


async def test_run_all_waits_for_a_run_that_the_watch_has_not_told_of_yet() -> None:
    pool = make_pool(
        now=NOW + timedelta(minutes=30), begin=ELEVEN - SECOND, missedRuns="RunAll", concurrencyPolicy="Allow"
    )
    told, pool.calendar.tell_run = pool.calendar.tell_run, lambda _: None
    await pool.settle()
    assert len(pool.calendar.made) == 1
    told(pool.calendar.runs[pool.calendar.made[0]])
    await pool.pass_time(60)
    assert len(pool.calendar.made) == 1


async def test_run_all_goes_on_at_once_when_a_run_ends() -> None:
    pool = make_pool(now=NOW + timedelta(minutes=30), begin=ELEVEN - SECOND, missedRuns="RunAll")
    await pool.settle()
    assert len(pool.calendar.made) == 1
    pool.calendar.end_run(pool.calendar.made[0])
    await pool.settle()
    assert len(pool.calendar.made) == 2


async def test_run_all_goes_on_at_once_when_a_run_ends_before_its_turn_has() -> None:
    pool = make_pool(now=NOW + timedelta(minutes=30), begin=ELEVEN - SECOND, missedRuns="RunAll")
    pool.calendar.meanwhile["record"] = lambda: pool.calendar.end_run(pool.calendar.made[0])
    await pool.settle()
    assert len(pool.calendar.made) == 2


async def test_slots_that_wait_for_a_run_ask_for_little() -> None:
    pool = make_pool(now=NOW + timedelta(minutes=30), begin=ELEVEN - SECOND, missedRuns="RunAll", runners=2)
    await pool.settle()
    before = len(pool.calendar.calls)
    await pool.pass_time(600, step=5)
    assert len(pool.calendar.calls) - before <= 4


async def test_a_slot_on_time_that_waits_behind_an_outages_asks_for_little() -> None:
    pool = make_pool(now=NOW + timedelta(minutes=59, seconds=50), missedRuns="RunAll")
    await pool.settle()
    assert pool.calendar.made == [NOON_RUN]
    before = len(pool.calendar.calls)
    await pool.pass_time(60, step=1)
    assert len(pool.calendar.calls) - before <= 8
    pool.calendar.end_run(NOON_RUN)
    await pool.settle()
    assert len(pool.calendar.made) == 2


async def test_a_clock_that_is_set_forward_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticker, "LONGEST_PAUSE", 0.01)
    pool = make_pool(now=NOW - timedelta(minutes=50))
    running = asyncio.create_task(pool.tickers[0].run())
    await asyncio.sleep(0)
    pool.time = NOW
    await until_async(lambda: pool.calendar.made)
    pool.tickers[0].stop()
    await running


async def test_a_clock_that_is_set_back_fires_no_slot_again() -> None:
    pool = make_pool(now=NOW)
    await pool.settle()
    await pool.reach(NOW - timedelta(minutes=30))
    await pool.pass_time(3590, step=10)
    assert pool.calendar.made == [NOON_RUN]


async def test_the_next_slot_is_found_once_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def count(find: Callable[..., object]) -> Callable[..., object]:
        return lambda cron_script, *rest: (found.append(cron_script.metadata.name), find(cron_script, *rest))[
            1
        ]

    monkeypatch.setattr(turn_times, "find_turn", count(turn_times.find_turn))
    pool = make_pool()
    assert found == ["nightly"]
    for _ in range(10):
        pool.calendar.touch("nightly")
    await pool.pass_time(4)
    assert found == ["nightly"]


async def test_alarms_do_not_pile_up_however_often_slots_are_fired() -> None:
    pool = make_pool(
        now=NOW, schedule="* * * * *", begin=NOW - timedelta(minutes=1), concurrencyPolicy="Allow"
    )
    for minute in range(200):
        await pool.reach(NOW + timedelta(minutes=minute))
        await pool.pass_time(3)
    assert len(pool.calendar.made) == 200
    assert len(pool.tickers[0]._alarms) <= 3


async def test_alarms_that_count_no_more_end_with_their_moment() -> None:
    pool = make_pool(now=NOW, begin=NOW, concurrencyPolicy="Allow")
    for minute in range(1, 39, 2):
        pool.calendar.edit("nightly", schedule="* * * * *")
        await pool.reach(NOW + timedelta(minutes=minute))
        pool.calendar.edit("nightly", schedule="@hourly")
        # The alarm of the next minute goes off, and another is set for the full hour.
        await pool.reach(NOW + timedelta(minutes=minute + 1))
    pool.calendar.edit("nightly", schedule="0 14 * * *")
    await pool.reach(NOW + timedelta(hours=1))
    assert len(pool.calendar.made) == 19
    assert len(pool.tickers[0]._alarms) <= 2


async def test_a_run_that_nobody_knows_ends_without_harm() -> None:
    Ticker(MemoryCalendar(), Standing(rank=lambda _: 0)).note_end("unknown")
