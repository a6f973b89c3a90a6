"""What a turn makes of runs that the API server has at hand and that are not as they are now."""

from datetime import timedelta

from scriptorium_api import cron_runs
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_runner.schedules.firing import Turn, fire
from scriptorium_runner.schedules.watched import WatchedCalendar
from tests.support.makers import NOW
from tests.unit.runner.schedules.test_firing import NOON_RUN, begin_former, make_calendar

SOON = NOW + timedelta(seconds=1)


async def test_a_run_that_has_ended_and_seems_to_go_on_skips_no_slot() -> None:
    calendar, cron_script = make_calendar(executor="Pool")
    former = begin_former(calendar, cron_script)
    calendar.old_runs = dict(calendar.runs)
    calendar.end_run(former)
    fired = await fire(WatchedCalendar(calendar, cron_script, SOON), cron_script, Turn(now=SOON))
    assert fired.run is not None
    assert calendar.misses_of() == []


async def test_a_run_that_goes_on_and_is_not_seen_yet_does_not_overlap() -> None:
    calendar, cron_script = make_calendar(executor="Pool")
    begin_former(calendar, cron_script)
    nothing: dict[str, ScriptExecution] = {}
    calendar.old_runs = nothing
    fired = await fire(WatchedCalendar(calendar, cron_script, SOON), cron_script, Turn(now=SOON))
    assert fired.run is None
    status = calendar.runs[NOON_RUN].status
    assert status.phase is Phase.CANCELLED
    assert "concurrencyPolicy is Forbid" in (status.message or "")


async def test_to_replace_a_run_it_has_to_be_seen_as_it_is() -> None:
    calendar, cron_script = make_calendar(executor="Pool", concurrencyPolicy="Replace")
    calendar.old_runs = {}
    watched = WatchedCalendar(calendar, cron_script, SOON)
    assert await watched.list_runs(cron_script) == []
    assert calendar.calls == ["list_runs"]


async def test_a_slot_that_has_to_wait_for_a_run_that_is_not_seen_yet_does_so() -> None:
    calendar, cron_script = make_calendar(executor="Pool", missedRuns="RunAll")
    calendar.old_runs = {}
    await WatchedCalendar(calendar, cron_script, SOON).list_runs(cron_script)
    assert calendar.calls == ["list_runs"]


async def test_after_a_run_that_was_there_already_all_are_listed_as_they_are_now() -> None:
    calendar, cron_script = make_calendar(executor="Pool")
    manifest = cron_runs.build_run(cron_script, NOW, None)
    watched = WatchedCalendar(calendar, cron_script, SOON)
    for last in ("list_known_runs", "list_runs"):
        await watched.list_runs(cron_script)
        await watched.make_run(manifest)
        await watched.list_runs(cron_script)
        assert calendar.calls[-1] == last
