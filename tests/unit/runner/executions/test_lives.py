from scriptorium_api.execution import Holder
from scriptorium_runner.executions.lives import LEASE_SECONDS, Lives, Sign

HOLDER = Holder(pod="other", uid="uid-other", start_id="a")


def looks(*signs: tuple[float, Sign | None]) -> Lives:
    lives = Lives()
    for moment, sign in signs:
        lives.look({HOLDER.uid: sign} if sign else {}, moment)
    return lives


def test_nobody_is_lost_before_the_first_look() -> None:
    assert not Lives().is_lost(HOLDER, noted=0)


def test_a_runner_that_renews_its_lease_lives() -> None:
    lives = looks(*((5.0 * number, Sign("a", str(number))) for number in range(1, 20)))
    assert not lives.is_lost(HOLDER, noted=0)


def test_a_lease_that_stays_the_same_for_its_whole_length_is_that_of_a_lost_runner() -> None:
    silent = Sign("a", "1")
    assert not looks((1, silent), (LEASE_SECONDS, silent)).is_lost(HOLDER, noted=0)
    assert looks((1, silent), (1 + LEASE_SECONDS, silent)).is_lost(HOLDER, noted=0)


def test_a_runner_without_a_lease_is_lost() -> None:
    assert looks((1, None)).is_lost(HOLDER, noted=0)


def test_a_claim_is_judged_by_looks_that_began_after_it_was_noted() -> None:
    lives = looks((1, None))
    assert not lives.is_lost(HOLDER, noted=2)
    lives.look({}, 3)
    assert lives.is_lost(HOLDER, noted=2)


def test_a_restarted_container_has_lost_the_claims_of_its_former_start() -> None:
    assert looks((1, Sign("b", "1"))).is_lost(HOLDER, noted=0)


def test_a_deleted_pod_is_lost_at_once() -> None:
    lives = Lives()
    lives.note_gone(HOLDER.uid)
    assert lives.is_lost(HOLDER, noted=0)


def test_after_an_outage_everybody_has_the_whole_length_of_a_lease_to_be_heard_again() -> None:
    silent = Sign("a", "1")
    lives = looks((1, silent))
    lives.look_failed()
    assert not lives.is_lost(HOLDER, noted=0)
    lives.look({HOLDER.uid: silent}, 100)
    assert not lives.is_lost(HOLDER, noted=0)
    lives.look({HOLDER.uid: silent}, 100 + LEASE_SECONDS)
    assert lives.is_lost(HOLDER, noted=0)
