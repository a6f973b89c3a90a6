from datetime import timedelta

from scriptorium_operator.decide.retention import HistoryLimits, find_expiry, find_heaviest, find_surplus
from tests.unit.operator.fakes import NOW, make_ended


def names(runs: list) -> list[str]:  # type: ignore[type-arg]
    return [run.key.name for run in runs]


def test_the_oldest_beyond_the_limit_are_surplus_oldest_first() -> None:
    runs = [make_ended(f"run-{number}", minutes=number) for number in (3, 1, 4, 2)]
    assert names(find_surplus(runs, HistoryLimits(succeeded=2, failed=0), NOW)) == ["run-1", "run-2"]


def test_successes_and_failures_are_counted_apart() -> None:
    runs = [make_ended("good", minutes=1), make_ended("bad", minutes=2, phase="TimedOut")]
    assert find_surplus(runs, HistoryLimits(succeeded=1, failed=1), NOW) == []
    assert names(find_surplus(runs, HistoryLimits(succeeded=1, failed=0), NOW)) == ["bad"]
    assert names(find_surplus(runs, HistoryLimits(succeeded=0, failed=1), NOW)) == ["good"]


def test_of_a_namespace_that_is_too_heavy_the_oldest_go_until_the_rest_fits() -> None:
    runs = [make_ended(f"run-{number}", minutes=number, size=10) for number in range(5)]
    assert names(find_heaviest(runs, most=25)) == ["run-0", "run-1", "run-2"]
    assert find_heaviest(runs, most=50) == []


def test_a_time_to_live_counts_from_the_end() -> None:
    assert find_expiry(make_ended(ttl_seconds=60)) == NOW + timedelta(seconds=60)
    assert find_expiry(make_ended(ttl_seconds=0)) == NOW
    assert find_expiry(make_ended()) is None


def test_a_key_is_remembered_for_its_day_whatever_the_time_to_live() -> None:
    day = NOW + timedelta(hours=24)
    assert find_expiry(make_ended(ttl_seconds=60, kept_until=day)) == day
    assert find_expiry(make_ended(ttl_seconds=100_000, kept_until=day)) == NOW + timedelta(seconds=100_000)


def test_runs_with_an_idempotency_key_are_kept_for_their_day_on_top() -> None:
    day = NOW + timedelta(hours=24)
    runs = [make_ended("keyed", minutes=0, kept_until=day), make_ended("other", minutes=1)]
    limits = HistoryLimits(succeeded=1, failed=0)
    assert find_surplus(runs, limits, NOW) == []
    assert names(find_surplus(runs, limits, day)) == ["keyed"]
