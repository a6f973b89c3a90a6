from datetime import timedelta

from scriptorium_operator.services.canary import Canary
from tests.unit.operator.fakes import NOW

LATER = NOW + timedelta(minutes=4)


def test_what_came_through_is_not_missed() -> None:
    canary = Canary()
    canary.expect("a", 1, NOW)
    canary.arrive("a", 1, NOW)
    assert not canary.is_silent(LATER)


def test_what_came_before_it_was_expected_is_not_missed() -> None:
    canary = Canary()
    canary.arrive("a", 2, NOW)
    canary.expect("a", 2, NOW)
    assert not canary.is_silent(LATER)


def test_what_never_came_is_missed_after_a_while() -> None:
    canary = Canary()
    canary.expect("a", 1, NOW)
    assert not canary.is_silent(NOW + timedelta(minutes=2))
    assert canary.is_silent(LATER)


def test_a_new_generation_that_did_not_come_is_missed() -> None:
    canary = Canary()
    canary.arrive("a", 1, NOW)
    canary.expect("a", 2, NOW)
    assert canary.is_silent(LATER)


def test_a_long_queue_is_not_silence() -> None:
    canary = Canary()
    canary.expect("a", 1, NOW)
    canary.arrive("b", 1, LATER - timedelta(seconds=1))
    assert not canary.is_silent(LATER)


def test_what_is_gone_is_not_missed() -> None:
    canary = Canary()
    canary.expect("a", 1, NOW)
    canary.forget("a")
    assert not canary.is_silent(LATER)
