import pytest

from scriptorium_operator.context import Context
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.errors import ClusterRefused, ClusterUnavailable
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services import clearing
from tests.unit.operator.fakes import NOW, FakeCluster, make_ended


def fill(context: Context, count: int) -> None:
    context.history.set_limits(Key(Kind.SCRIPT, "team", "hello"), HistoryLimits(succeeded=0))
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


async def test_what_ended_before_the_operator_started_is_removed_at_the_pace_of_rest(
    context: Context, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[float] = []

    async def next_round(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            context.inventory.in_sync |= {Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.EXECUTION}
            fill_only(context, 5000)
        if len(rounds) == 4:
            raise EndOfTest

    monkeypatch.setattr(clearing.asyncio, "sleep", next_round)
    context.inventory.in_sync.clear()
    fill_only(context, 5000)
    with pytest.raises(EndOfTest):
        await clearing.clear_for_ever(context)
    assert len(cluster.writes) == 20


class EndOfTest(Exception):
    pass


def fill_only(context: Context, count: int) -> None:
    context.history.set_limits(Key(Kind.SCRIPT, "team", "hello"), HistoryLimits(succeeded=0))
    for number in range(count):
        context.history.note(make_ended(f"run-{number}", minutes=number))


async def test_while_nothing_can_be_removed_the_pauses_grow(
    context: Context, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 9:
            raise EndOfTest

    monkeypatch.setattr(clearing.asyncio, "sleep", note)
    context.inventory.in_sync |= {Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.EXECUTION}
    cluster.outage = ClusterRefused("a policy forbids it")
    fill_only(context, 3)
    with pytest.raises(EndOfTest):
        await clearing.clear_for_ever(context)
    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == clearing.LONGEST_PAUSE
