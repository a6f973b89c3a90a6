from datetime import timedelta

import pytest

from scriptorium_operator.decide import retention
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services.history import History
from tests.unit.operator.fakes import NOW, make_ended

GROUP = Key(Kind.SCRIPT, "team", "hello")


def doomed(history: History, *, minutes: float = 0, is_there: bool = True) -> list[str]:
    history.doom(NOW + timedelta(minutes=minutes), lambda _: is_there)
    return [run.key.name for run in history.take_doomed(1000)]


def filled(count: int, limits: HistoryLimits | None = None, **fields: object) -> History:
    history = History()
    history.set_limits(GROUP, limits)
    for number in range(count):
        history.note(make_ended(f"run-{number}", minutes=number, **fields))
    return history


def test_no_more_runs_are_kept_than_the_script_says() -> None:
    assert doomed(filled(5, HistoryLimits(succeeded=3, failed=0))) == ["run-0", "run-1"]


def test_a_lower_limit_counts_for_what_is_there_already() -> None:
    history = filled(5, HistoryLimits(succeeded=5))
    assert doomed(history) == []
    history.set_limits(GROUP, HistoryLimits(succeeded=1))
    assert len(doomed(history)) == 4


def test_nothing_is_removed_while_a_scripts_limits_are_not_known() -> None:
    history = filled(30)
    assert doomed(history) == []
    history.set_limits(GROUP, HistoryLimits(succeeded=29))
    assert doomed(history) == ["run-0"]


def test_the_runs_of_a_script_that_is_gone_are_kept_within_the_usual_limits() -> None:
    assert doomed(filled(22), is_there=False) == ["run-0", "run-1"]


def test_a_run_with_a_time_to_live_goes_when_it_is_over() -> None:
    history = filled(1, HistoryLimits(), ttl_seconds=60)
    assert doomed(history, minutes=0.9) == []
    assert doomed(history, minutes=1) == ["run-0"]


def test_a_namespace_that_is_too_heavy_loses_its_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MAX_NAMESPACE_BYTES", 1000)
    assert doomed(filled(5, HistoryLimits(), size=300)) == ["run-0", "run-1"]


def test_runs_with_a_source_of_their_own_have_limits_of_their_own() -> None:
    assert doomed(filled(100, script="")) == []


def test_a_run_is_taken_once_and_again_only_if_it_was_given_back() -> None:
    history = filled(2, HistoryLimits(succeeded=1))
    history.doom(NOW, lambda _: True)
    (run,) = history.take_doomed(10)
    assert history.take_doomed(10) == []
    history.give_back(run)
    assert history.take_doomed(10) == [run]
    history.forget(run.uid)
    history.give_back(run)
    assert history.take_doomed(10) == []


def test_a_run_that_is_told_twice_counts_once() -> None:
    history = filled(3, HistoryLimits(succeeded=3))
    history.note(make_ended("run-1", minutes=1))
    assert len(history) == 3
    assert doomed(history) == []


def test_the_latest_run_tells_which_was_the_latest_before_it() -> None:
    history = History()
    first, second, late = (make_ended(name, minutes=at) for name, at in (("a", 1), ("b", 2), ("c", 0)))
    assert history.note(first) is None
    assert history.note(second) == first
    assert history.note(late) is None


def test_what_is_told_anew_replaces_what_was_told() -> None:
    history = filled(3)
    history.clear()
    assert len(history) == 0
    assert history.note(make_ended()) is None


def test_five_thousand_old_runs_are_found_at_once() -> None:
    history = filled(5000, HistoryLimits(succeeded=20))
    history.doom(NOW, lambda _: True)
    assert len(history.take_doomed(5000)) == 4980


def test_a_run_with_an_idempotency_key_goes_when_its_day_is_over() -> None:
    history = filled(1, HistoryLimits(succeeded=0), kept_until=NOW + timedelta(hours=24))
    assert doomed(history) == []
    assert doomed(history, minutes=24 * 60) == ["run-0"]


def test_what_was_too_much_by_a_limit_that_was_raised_again_is_kept() -> None:
    history = filled(5, HistoryLimits(succeeded=0))
    assert history.doom(NOW, lambda _: True) == 5
    history.set_limits(GROUP, HistoryLimits(succeeded=5))
    assert doomed(history) == []


def test_a_run_past_its_time_goes_whatever_the_limits_become() -> None:
    history = filled(1, HistoryLimits(), ttl_seconds=0)
    assert history.doom(NOW, lambda _: True) == 1
    history.set_limits(GROUP, HistoryLimits(succeeded=5))
    assert doomed(history) == ["run-0"]


def test_of_a_namespace_that_is_too_heavy_what_goes_anyway_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "MAX_NAMESPACE_BYTES", 1000)
    assert doomed(filled(5, HistoryLimits(succeeded=3), size=300)) == ["run-0", "run-1"]


def test_times_of_runs_that_went_earlier_do_not_pile_up() -> None:
    history = History()
    for number in range(20_000):
        run = make_ended(f"run-{number}", minutes=number, ttl_seconds=1_000_000)
        history.note(run)
        history.forget(run.uid)
    assert history.count_times() < 3000


def test_a_cancelled_run_is_neither_a_failure_nor_a_success() -> None:
    history = History()
    good = make_ended("good", minutes=1)
    history.note(good)
    assert history.note(make_ended("cancelled", minutes=2, phase="Cancelled")) is None
    assert history.note(make_ended("next", minutes=3)) == good


def test_the_last_outcome_is_remembered_when_no_run_is_kept() -> None:
    history = History()
    good = make_ended("good", minutes=1)
    history.note(good)
    history.forget(good.uid)
    assert history.note(make_ended("bad", minutes=2, phase="Failed")) == good


def test_the_runs_of_a_schedule_are_kept_by_its_own_limits_beside_those_of_its_script() -> None:
    history = History()
    history.set_limits(GROUP, HistoryLimits(succeeded=2))
    history.set_limits(Key(Kind.CRON_SCRIPT, "team", "nightly"), HistoryLimits(succeeded=1))
    for number in range(3):
        history.note(make_ended(f"run-{number}", minutes=number))
        history.note(make_ended(f"slot-{number}", minutes=number, cron_script="nightly"))
    assert sorted(doomed(history)) == ["run-0", "slot-0", "slot-1"]


SCHEDULE = Key(Kind.CRON_SCRIPT, "team", "nightly")


def of_slots(limits: HistoryLimits, *, judged: int, size: int = 100) -> History:
    """Have five runs of slots, a minute from each other, of which so many slots are judged."""
    history = History()
    history.set_limits(SCHEDULE, limits)
    history.set_judged(SCHEDULE, NOW + timedelta(minutes=judged - 1))
    for number in range(5):
        slot = NOW + timedelta(minutes=number)
        run = make_ended(f"slot-{number}", minutes=number, cron_script="nightly", slot=slot, size=size)
        history.note(run)
    return history


def test_the_run_of_a_slot_that_is_not_judged_is_not_removed_or_it_would_be_run_again() -> None:
    history = of_slots(HistoryLimits(succeeded=1), judged=2)
    assert doomed(history) == ["slot-0", "slot-1"]
    for gone in ("uid-slot-0", "uid-slot-1"):
        history.forget(gone)
    history.set_judged(SCHEDULE, NOW + timedelta(minutes=4))
    assert doomed(history) == ["slot-2", "slot-3"]


def test_no_run_is_removed_of_a_schedule_of_which_no_slot_is_judged_yet() -> None:
    history = of_slots(HistoryLimits(succeeded=0), judged=5)
    history.set_judged(SCHEDULE, None)
    assert doomed(history) == []


def test_a_namespace_that_is_too_heavy_keeps_the_runs_of_slots_that_are_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "MAX_NAMESPACE_BYTES", 1000)
    history = of_slots(HistoryLimits(succeeded=5), judged=1, size=300)
    assert doomed(history) == ["slot-0"]


def test_of_a_schedule_that_is_gone_no_slot_is_waited_for() -> None:
    history = of_slots(HistoryLimits(succeeded=1), judged=0)
    assert doomed(history) == []
    history.set_limits(SCHEDULE, None)
    history.set_limits(SCHEDULE, HistoryLimits(succeeded=1))
    assert len(doomed(history)) == 4


def test_a_run_that_was_started_by_hand_is_kept_by_the_limits_and_no_slot() -> None:
    history = of_slots(HistoryLimits(succeeded=0), judged=0)
    history.note(make_ended("by-hand", minutes=1, cron_script="nightly"))
    assert doomed(history) == ["by-hand"]
