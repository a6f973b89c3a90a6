import pytest

from scriptorium_runner.engine.pool import fairness


@pytest.mark.parametrize(
    ("slots", "share", "cap"), [(10, 0.5, 5), (3, 0.5, 1), (1, 0.5, 1), (10, 0.05, 1), (4, 1.0, 4)]
)
def test_a_share_is_at_least_one_slot(slots, share, cap):
    assert fairness.find_cap(slots, share) == cap


@pytest.mark.parametrize(
    ("waiting", "held", "cap", "place"),
    [
        (["a"], {}, 1, 0),
        (["a", "b"], {"a": 1}, 2, 0),
        (["a", "a", "b"], {"a": 2}, 2, 2),
        (["a", "b", "c"], {"a": 5, "b": 5}, 5, 2),
        (["a", "a"], {"a": 9}, 5, 0),
        (["a", "b", "c"], {"a": 3, "b": 2, "c": 2}, 2, 1),
    ],
    ids=[
        "alone",
        "below its share the first in line",
        "one that holds its share lets another before",
        "the first that is below",
        "with nobody else to serve, beyond its share",
        "if all hold their share, the one that holds the fewest",
    ],
)
def test_whose_turn_it_is(waiting, held, cap, place):
    assert fairness.choose(waiting, held, cap) == place
