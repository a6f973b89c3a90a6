"""Which worker is taken, and which have been idle for how long."""

import pytest

from scriptorium_runner.engine.pool.stock import Stock


class Idler:
    """As much of a worker as the stock asks of one."""

    def __init__(self, owner: str | None = None) -> None:
        self.owner = owner
        self.idle_since = 0.0


def make_stock(*used: tuple[str, float]) -> Stock:
    stock = Stock()
    for owner, since in used:
        stock.keep(Idler(owner), since)
    return stock


def test_an_owner_gets_the_worker_it_used_last() -> None:
    stock = make_stock(("a", 1), ("b", 2), ("a", 3), ("b", 4))
    assert [stock.pick("a").idle_since for _ in range(2)] == [3, 1]
    assert stock.pick("a") is None
    assert stock.used == 2


def test_an_owner_without_a_worker_gets_one_that_knows_nobody() -> None:
    stock = make_stock(("a", 1))
    stock.add(Idler())
    assert stock.pick("b").owner == "b"
    assert (stock.fresh, stock.used) == (0, 1)


@pytest.mark.parametrize(
    ("now", "recent", "next_fall"),
    [(10, 3, 11), (11, 2, 12), (12.5, 1, 13), (13, 0, None), (99, 0, None)],
    ids=["all", "the first falls at this moment", "the last", "none any more", "long ago"],
)
def test_workers_are_recent_until_they_were_idle_for_so_long(
    now: float, recent: int, next_fall: float | None
) -> None:
    stock = make_stock(("a", 1), ("b", 2), ("c", 3))
    assert stock.count_recent(now, 10) == recent
    assert stock.find_next_fall(now, 10) == next_fall


def test_without_used_workers_none_is_recent_and_none_will_fall() -> None:
    stock = make_stock()
    assert (stock.count_recent(1, 10), stock.find_next_fall(1, 10)) == (0, None)
