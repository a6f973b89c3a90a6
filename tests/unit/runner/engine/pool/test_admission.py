import pytest

from scriptorium_runner.engine.pool import admission
from scriptorium_runner.engine.pool.container_memory import MemoryReading
from tests.unit.runner.engine.cgroups import MB


def reading(used: int, limit: int = 1000) -> MemoryReading:
    return MemoryReading(limit=limit * MB, used=used * MB)


@pytest.mark.parametrize(
    ("wanted", "promised", "answer"),
    [(128, 128, True), (128, 772, True), (128, 773, False), (800, 128, False), (4096, 0, True)],
    ids=["room", "exactly", "a megabyte too much", "a large one", "alone it always may"],
)
def test_a_run_needs_room_beside_what_is_promised(wanted, promised, answer):
    assert admission.fits(wanted, promised, idle=reading(100)) is answer


@pytest.mark.parametrize(
    ("footprints", "used", "victim"),
    [
        ([100, 300, 200], 899, None),
        ([100, 300, 200], 900, 1),
        ([], 999, None),
        ([3, 19], 999, None),
        ([3, 20], 999, 1),
    ],
    ids=["below the mark", "the largest", "nobody is there", "none is worth it", "one is worth it"],
)
def test_the_largest_worker_ends_when_memory_is_nearly_used_up(footprints, used, victim):
    assert admission.choose_victim([each * MB for each in footprints], reading(used), 0.9) == victim


@pytest.mark.parametrize(
    ("used", "least", "most"), [(0, 0.1, 0.1), (859, 0.009, 0.011), (899, 0.005, 0.005), (990, 0.005, 0.005)]
)
def test_the_nearer_the_mark_the_sooner_somebody_looks(used, least, most):
    assert least <= admission.find_pause(reading(used), 0.9) <= most
