from scriptorium_operator.decide.election import LEASE_SECONDS, Move, Sighting, decide_move
from scriptorium_operator.facts import LeaseState

ME = "me/1"


def seen(holder: str, since: float = 0) -> Sighting:
    return Sighting(LeaseState(holder, "1"), since)


def test_a_lease_that_is_not_there_is_made() -> None:
    assert decide_move(Sighting(), ME, 0) is Move.CREATE


def test_the_own_lease_is_renewed_however_late() -> None:
    assert decide_move(seen(ME), ME, 1000) is Move.RENEW


def test_anothers_lease_is_left_alone_until_it_has_not_changed_for_its_whole_length() -> None:
    assert decide_move(seen("other"), ME, LEASE_SECONDS - 0.1) is Move.WAIT
    assert decide_move(seen("other"), ME, LEASE_SECONDS) is Move.TAKE


def test_a_lease_that_was_given_up_is_taken_at_once() -> None:
    assert decide_move(seen(""), ME, 0) is Move.TAKE


def test_a_former_start_of_the_same_pod_is_another() -> None:
    assert decide_move(seen("me/0"), ME, 0) is Move.WAIT


def test_a_sighting_lasts_while_the_lease_does_not_change() -> None:
    first = Sighting().next(LeaseState("other", "1"), 5)
    assert first.next(LeaseState("other", "1"), 9).since == 5
    assert first.next(LeaseState("other", "2"), 9).since == 9
