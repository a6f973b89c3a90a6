from scriptorium_api.execution import Holder
from scriptorium_runner.executions.lives import LEASE_SECONDS, Lives, Sign

HOLDER = Holder(pod="other", uid="uid-other", start_id="a")


def looks(*signs: tuple[float, Sign | None], lives: Lives | None = None) -> Lives:
    """Look at these moments; each look takes no time."""
    found = lives or Lives()
    for moment, sign in signs:
        found.look({HOLDER.uid: sign} if sign else {}, moment, moment)
    return found


def every_three_seconds(sign: Sign | None, last: float) -> list[tuple[float, Sign | None]]:
    return [(3.0 * number, sign) for number in range(1, int(last / 3) + 1)]


SILENT = Sign("a", "1")


def test_nobody_is_lost_before_the_first_look() -> None:
    assert not Lives().is_lost(HOLDER, noted=0)


def test_a_runner_that_renews_its_lease_lives() -> None:
    lives = looks(*((5.0 * number, Sign("a", str(number))) for number in range(1, 20)))
    assert not lives.is_lost(HOLDER, noted=0)


def test_a_lease_that_stays_the_same_for_its_whole_length_is_that_of_a_lost_runner() -> None:
    assert not looks(*every_three_seconds(SILENT, LEASE_SECONDS)).is_lost(HOLDER, noted=0)
    assert looks(*every_three_seconds(SILENT, LEASE_SECONDS + 3)).is_lost(HOLDER, noted=0)


def test_a_lease_that_is_missing_for_its_whole_length_is_that_of_a_lost_runner() -> None:
    lives = Lives()
    for moment, _ in every_three_seconds(None, LEASE_SECONDS):
        looks((moment, None), lives=lives)
        assert not lives.is_lost(HOLDER, noted=0)
    looks((LEASE_SECONDS + 3, None), lives=lives)
    assert lives.is_lost(HOLDER, noted=0)


def test_a_lease_that_somebody_removed_comes_back_in_time() -> None:
    lives = looks((3, None))
    assert not lives.is_lost(HOLDER, noted=0)
    looks((6, SILENT), *((moment + 6, SILENT) for moment, _ in every_three_seconds(None, 12)), lives=lives)
    assert not lives.is_lost(HOLDER, noted=0)


def test_a_claim_is_judged_by_looks_that_began_after_it_was_noted() -> None:
    lives = looks((1, Sign("b", "1")))
    assert not lives.is_lost(HOLDER, noted=2)
    looks((3, Sign("b", "1")), lives=lives)
    assert lives.is_lost(HOLDER, noted=2)


def test_a_restarted_container_has_lost_the_claims_of_its_former_start() -> None:
    assert looks((1, Sign("b", "1"))).is_lost(HOLDER, noted=0)


def test_a_deleted_pod_is_lost_at_once() -> None:
    lives = Lives()
    lives.note_gone(HOLDER.uid)
    assert lives.is_lost(HOLDER, noted=0)


def test_time_in_which_nobody_looked_counts_for_nothing() -> None:
    lives = looks((1, SILENT))
    looks((60, SILENT), lives=lives)
    assert not lives.is_lost(HOLDER, noted=0)
    looks(*((60 + moment, SILENT) for moment, _ in every_three_seconds(None, LEASE_SECONDS)), lives=lives)
    assert lives.is_lost(HOLDER, noted=0)


def test_a_look_that_takes_long_counts_from_its_end() -> None:
    lives = Lives()
    lives.look({HOLDER.uid: SILENT}, 0, 13)
    lives.look({HOLDER.uid: SILENT}, 16, 16)
    assert not lives.is_lost(HOLDER, noted=-1)


def test_after_an_outage_everybody_has_the_whole_length_of_a_lease_to_be_heard_again() -> None:
    lives = looks((1, SILENT))
    lives.look_failed()
    assert not lives.is_lost(HOLDER, noted=0)
    looks((4, SILENT), (10, SILENT), (16, SILENT), lives=lives)
    assert not lives.is_lost(HOLDER, noted=0)
    looks((19, SILENT), lives=lives)
    assert lives.is_lost(HOLDER, noted=0)
