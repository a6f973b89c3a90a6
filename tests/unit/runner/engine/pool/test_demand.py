import pytest

from scriptorium_runner.engine.pool import balance
from scriptorium_runner.engine.pool.demand import Demand


def make_demand(*notes: tuple[float, int], window: float = 300) -> Demand:
    demand = Demand(window)
    for now, needed in notes:
        demand.note(now, needed)
    return demand


@pytest.mark.parametrize(("now", "level"), [(10, 7), (20, 7), (319, 7), (320, 3), (329, 3), (330, 0)])
def test_the_level_is_the_highest_demand_of_the_window(now, level):
    demand = make_demand((0, 2), (10, 7), (20, 3), (30, 0))
    assert demand.find_level(now) == level


def test_a_demand_lasts_until_the_next_is_noted():
    demand = make_demand((0, 5), (1000, 1))
    assert demand.find_level(1299) == 5
    assert demand.find_level(1300) == 1


def test_what_is_needed_now_never_falls():
    demand = make_demand((0, 5))
    assert demand.find_level(1e9) == 5
    assert demand.find_next_fall() is None


def test_the_next_fall_is_known():
    demand = make_demand((0, 5), (10, 2), (20, 0))
    assert demand.find_next_fall() == 310
    assert demand.find_level(310) == 2
    assert demand.find_next_fall() == 320
    assert demand.find_level(320) == 0
    assert demand.find_next_fall() is None


@pytest.mark.parametrize(("demand", "level"), [(0, 10), (10, 10), (11, 11), (100, 100)])
def test_the_pool_keeps_what_was_needed_and_its_first_workers(demand, level):
    assert balance.decide_level(demand, initial=10, size=100) == level


def test_a_pool_smaller_than_what_is_kept_at_first_keeps_its_size():
    assert balance.decide_level(0, initial=10, size=3) == 3
