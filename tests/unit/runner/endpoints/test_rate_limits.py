import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scriptorium_api.endpoints.traffic import RateLimit
from scriptorium_runner.endpoints.rate_limits import SHARED, RateLimiter


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_limit(requests: int, seconds: int = 1, **more: Any) -> RateLimit:
    return RateLimit.model_validate({"requests": requests, "perSeconds": seconds} | more)


def count_taken(limiter: RateLimiter, limit: RateLimit, caller: str = "a", tries: int = 50) -> int:
    """Give how many of several requests at one moment go on."""
    return sum(limiter.take(limit, 1, "uid", caller) is None for _ in range(tries))


@pytest.mark.parametrize(
    ("limit", "at_once", "after_a_second"),
    [
        (make_limit(1), 1, 1),
        (make_limit(10), 10, 10),
        (make_limit(10, burst=1), 1, 1),
        (make_limit(10, burst=20), 20, 10),
        (make_limit(10, 10), 10, 1),
        (make_limit(1, 10), 1, 0),
    ],
)
def test_so_many_go_on_at_once_and_so_many_later(limit: RateLimit, at_once: int, after_a_second: int) -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    assert count_taken(limiter, limit) == at_once
    clock.now += 1.0
    assert count_taken(limiter, limit) == after_a_second


def test_who_has_to_wait_is_told_how_long_and_may_come_then() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    limit = make_limit(2, 10)
    assert count_taken(limiter, limit) == 2
    wait = limiter.take(limit, 1, "uid", "a")
    assert wait == pytest.approx(5.0)
    clock.now += 4.9
    assert limiter.take(limit, 1, "uid", "a") == pytest.approx(0.1)
    clock.now += 0.2
    assert limiter.take(limit, 1, "uid", "a") is None


def test_being_refused_costs_nothing() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    assert count_taken(limiter, make_limit(1), tries=1000) == 1
    clock.now += 1.0
    assert count_taken(limiter, make_limit(1)) == 1


def test_callers_and_endpoints_are_counted_for_themselves() -> None:
    limiter = RateLimiter(Clock())
    limit = make_limit(1)
    pairs = [("uid", "a"), ("uid", "b"), ("other", "a"), ("uid", ""), ("ui", "da"), ("uid", "\udcff")]
    assert [limiter.take(limit, 1, *pair) for pair in pairs] == [None] * len(pairs)
    assert all(limiter.take(limit, 1, *pair) for pair in pairs)


@pytest.mark.parametrize(("share", "at_once"), [(0, 12), (1, 12), (3, 4), (12, 1), (100, 1)])
def test_each_runner_lets_through_its_part(share: int, at_once: int) -> None:
    limiter = RateLimiter(Clock())
    limit = make_limit(12)
    assert sum(limiter.take(limit, share, "uid", "a") is None for _ in range(50)) == at_once


def test_many_runners_let_through_no_more_than_one_over_time() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    limit = make_limit(1, 1)
    taken = 0
    for _ in range(1000):
        taken += limiter.take(limit, 10, "uid", "a") is None
        clock.now += 0.1
    assert taken == 10


def test_a_changed_limit_counts_from_then_on() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    assert count_taken(limiter, make_limit(100), tries=100) == 100
    assert count_taken(limiter, make_limit(10)) == 0
    clock.now += 2.0
    assert count_taken(limiter, make_limit(10)) == 10


def test_a_clock_that_stands_still_lets_nobody_through_twice() -> None:
    limiter = RateLimiter(Clock())
    assert count_taken(limiter, make_limit(3), tries=10_000) == 3


def test_callers_who_rest_are_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    limit = make_limit(1)
    for number in range(100):
        limiter.take(limit, 1, "uid", f"caller {number}")
    assert len(limiter) == 100
    clock.now += 2.0
    for _ in range(100):
        limiter.take(limit, 1, "uid", "last")
    assert len(limiter) == 1


def test_a_million_callers_do_not_grow_it_beyond_its_bound() -> None:
    limiter = RateLimiter(Clock(), most=1000)
    limit = make_limit(1, 3600)
    taken = sum(limiter.take(limit, 1, "uid", f"caller {number}") is None for number in range(1_000_000))
    assert len(limiter) == 1000
    assert 1000 < taken <= 1000 + SHARED


def test_its_bound_is_one_of_memory_too() -> None:
    limit = make_limit(1, 3600)
    tracemalloc.start()
    try:
        limiter = RateLimiter(Clock(), most=1000)
        for number in range(20_000):
            limiter.take(limit, 1, "uid", "x" * 1000 + str(number))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1000 * 400


def test_flooding_the_table_gives_nobody_a_free_pass() -> None:
    limiter = RateLimiter(Clock(), most=100)
    limit = make_limit(2, 3600)
    assert count_taken(limiter, limit, "known") == 2
    others = sum(limiter.take(limit, 1, "uid", f"false name {number}") is None for number in range(20_000))
    assert others <= 2 * (99 + SHARED)
    # Who was there before is neither forgotten nor let through again.
    assert count_taken(limiter, limit, "known") == 0


def test_who_finds_no_room_shares_and_brings_the_debt_along() -> None:
    clock = Clock()
    limiter = RateLimiter(clock, most=1)
    short, long = make_limit(1, 10), make_limit(1, 1000)
    assert limiter.take(short, 1, "uid", "first") is None
    assert limiter.take(long, 1, "uid", "late") is None
    clock.now += 20.0
    # Now there is room, but the bucket that was shared is not full again.
    assert limiter.take(long, 1, "uid", "late") == pytest.approx(980.0)


def test_a_flood_on_one_endpoint_leaves_the_shared_buckets_of_others_alone() -> None:
    limiter = RateLimiter(Clock(), most=10)
    limit = make_limit(1, 3600)
    for number in range(10_000):
        limiter.take(limit, 1, "flooded", f"caller {number}")
    assert limiter.take(limit, 1, "quiet", "a") is None
    assert limiter.take(limit, 1, "quiet", "a") is not None


def test_after_a_flood_everybody_has_their_own_again() -> None:
    clock = Clock()
    limiter = RateLimiter(clock, most=10)
    limit = make_limit(5)
    for number in range(10_000):
        limiter.take(limit, 1, "uid", f"caller {number}")
    clock.now += 60.0
    assert [count_taken(limiter, limit, name) for name in ("a", "b", "c")] == [5, 5, 5]


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(1, 8),
    st.lists(st.floats(0, 3, allow_nan=False), max_size=60),
)
@example(1, 5, 1, [0.0, 1.125, 1.95703125, 0.95703125, 0.95703125])
def test_no_window_has_more_than_the_burst_and_what_comes_back(
    requests: int, seconds: int, burst: int, pauses: list[float]
) -> None:
    clock = Clock()
    limiter = RateLimiter(clock)
    limit = make_limit(requests, seconds, burst=burst)
    taken: list[float] = []
    for pause in pauses:
        clock.now += pause
        if limiter.take(limit, 1, "uid", "a") is None:
            taken.append(clock.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            most = burst + (taken[last] - taken[first]) * requests / seconds
            # Nobody waits for a thousandth of a request.
            assert last - first + 1 <= most + 1e-3 + 1e-6
