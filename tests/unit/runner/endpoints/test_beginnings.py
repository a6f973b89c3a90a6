"""Who began a moment ago."""

from scriptorium_runner.endpoints.beginnings import Beginnings


def test_who_began_is_counted_for_a_moment() -> None:
    beginnings = Beginnings(2.0)
    beginnings.begin(10.0)
    beginnings.begin(11.0)
    assert [beginnings.count(now) for now in (11.0, 11.9, 12.0, 13.0)] == [2, 2, 1, 0]


def test_who_ends_before_is_counted_no_more_and_who_ends_after_changes_nothing() -> None:
    beginnings = Beginnings(2.0)
    first, second = beginnings.begin(10.0), beginnings.begin(11.0)
    beginnings.end(second)
    assert beginnings.count(11.0) == 1
    assert beginnings.count(12.0) == 0
    beginnings.begin(12.0)
    beginnings.end(first)
    assert beginnings.count(12.0) == 1


def test_the_next_change_is_when_the_oldest_is_no_beginner_any_more() -> None:
    beginnings = Beginnings(2.0)
    assert beginnings.find_next_end() is None
    first = beginnings.begin(10.0)
    beginnings.begin(11.0)
    assert beginnings.find_next_end() == 12.0
    beginnings.end(first)
    assert beginnings.find_next_end() == 13.0
