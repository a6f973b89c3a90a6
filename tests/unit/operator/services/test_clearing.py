from scriptorium_operator.context import Context
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.errors import ClusterUnavailable
from scriptorium_operator.services import clearing
from tests.unit.operator.fakes import NOW, FakeCluster, make_ended


def fill(context: Context, count: int) -> None:
    context.history.set_limits(("team", "hello"), HistoryLimits(succeeded=0))
    for number in range(count):
        context.history.note(make_ended(f"run-{number}", minutes=number))
    context.history.doom(NOW, lambda _: True)


async def test_a_round_removes_no_more_than_its_share(context: Context, cluster: FakeCluster) -> None:
    fill(context, 25)
    await clearing.clear(context, 10)
    assert cluster.writes == ["delete ScriptExecution"] * 10


async def test_what_could_not_be_removed_is_removed_another_time(
    context: Context, cluster: FakeCluster
) -> None:
    fill(context, 3)
    cluster.outage = ClusterUnavailable("away")
    await clearing.clear(context, 10)
    cluster.outage = None
    await clearing.clear(context, 10)
    assert cluster.writes == ["delete ScriptExecution"] * 3


def test_removals_keep_ahead_of_what_ends() -> None:
    assert [clearing.compute_rate(ended) for ended in (0, 6, 100, 1000)] == [10, 10, 150, 1500]
