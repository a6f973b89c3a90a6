from datetime import timedelta

import pytest

from scriptorium_operator.decide.certificates import (
    FIRST_SETTLING,
    MOST_TOLD,
    SETTLING,
    Move,
    Rotation,
    decide_bundle,
    decide_move,
    note_telling,
)
from scriptorium_operator.facts import Certificate
from tests.unit.operator.fakes import NOW

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def make(name: str, holder: str = "me", expires: timedelta = DAY) -> Certificate:
    return Certificate(name, holder, NOW + expires)


OLD, NEW = make("old"), make("new", expires=2 * DAY)


@pytest.mark.parametrize(
    ("rotation", "after", "move"),
    [
        (Rotation(), timedelta(), Move.MAKE),
        (Rotation(shown=OLD), DAY / 3 - SECOND, Move.REST),
        (Rotation(shown=OLD), DAY / 3, Move.MAKE),
        (Rotation(next=NEW), DAY, Move.REST),
        (Rotation(next=NEW, told=NOW), FIRST_SETTLING - SECOND, Move.REST),
        (Rotation(next=NEW, told=NOW), FIRST_SETTLING, Move.SHOW),
        (Rotation(shown=OLD, next=NEW, told=NOW), SETTLING - SECOND, Move.REST),
        (Rotation(shown=OLD, next=NEW, told=NOW), SETTLING, Move.SHOW),
        (Rotation(shown=OLD, next=NEW), DAY * 1.5, Move.REST),
        (Rotation(shown=OLD, next=NEW), 2 * DAY, Move.MAKE),
    ],
    ids=[
        "none yet",
        "fresh",
        "a third of its time is over",
        "not told yet",
        "just told, and none is shown",
        "told, and none is shown",
        "just told",
        "told for long enough",
        "never told",
        "never told, and over by now",
    ],
)
def test_when_a_certificate_is_made_and_shown(rotation: Rotation, after: timedelta, move: Move) -> None:
    assert decide_move(rotation, DAY, NOW + after) is move


def test_who_shows_what_nobody_trusts_any_more_waits_no_longer_than_at_the_start() -> None:
    asleep = Rotation(shown=OLD, next=NEW, told=NOW + DAY)
    assert decide_move(asleep, DAY, NOW + DAY + FIRST_SETTLING) is Move.SHOW


def test_it_counts_from_when_the_last_configuration_was_told() -> None:
    told = note_telling(Rotation(next=NEW), [(NEW,), ()], NOW)
    assert told.told == NOW
    assert note_telling(told, [(NEW,), (NEW, OLD)], NOW + SECOND).told == NOW


def test_who_was_forgotten_starts_to_count_anew() -> None:
    told = Rotation(shown=OLD, next=NEW, told=NOW)
    assert note_telling(told, [(NEW,), (OLD,)], NOW + SECOND).told == NOW + SECOND


def test_without_a_configuration_nothing_is_told() -> None:
    assert note_telling(Rotation(next=NEW, told=NOW), [], NOW).told is None


def test_both_certificates_of_a_replica_and_those_of_the_others_are_trusted() -> None:
    other = make("other", "you")
    assert set(decide_bundle([other], Rotation(shown=OLD, next=NEW), "me", NOW)) == {other, OLD, NEW}


def test_what_a_former_process_of_the_same_pod_showed_is_trusted_no_more() -> None:
    assert decide_bundle([make("lost"), OLD], Rotation(shown=NEW), "me", NOW) == (NEW,)


def test_what_has_expired_is_trusted_no_more() -> None:
    assert decide_bundle([make("old", "you", -SECOND)], Rotation(shown=NEW), "me", NOW) == (NEW,)


def test_a_bundle_that_is_as_it_should_be_stays_as_it_is() -> None:
    rotation = Rotation(shown=OLD, next=NEW)
    bundle = decide_bundle([make("b", "you"), make("a", "them")], rotation, "me", NOW)
    assert decide_bundle(reversed(bundle), rotation, "me", NOW) == bundle


def test_pods_that_come_and_go_do_not_fill_the_configuration_and_the_newest_stay() -> None:
    gone = [make(f"{number:03}", f"pod-{number}", DAY + number * SECOND) for number in range(100)]
    bundle = decide_bundle(gone, Rotation(shown=OLD), "me", NOW)
    assert len(bundle) == MOST_TOLD
    assert OLD in bundle
    assert gone[99] in bundle
    assert gone[0] not in bundle
