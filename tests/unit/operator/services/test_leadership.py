"""Replicas that campaign for one Lease in memory, with a clock that the test moves."""

import asyncio
from dataclasses import dataclass, field

import pytest

from scriptorium_operator.decide.election import LEASE_SECONDS, TRUST_SECONDS
from scriptorium_operator.errors import ClusterUnavailable, NotLeading, Outdated
from scriptorium_operator.facts import LeaseState
from scriptorium_operator.services import leadership as services
from scriptorium_operator.services.leadership import Leadership, campaign
from tests.support.waiting import until_async


@dataclass
class Board:
    """The one Lease, and the time."""

    state: LeaseState | None = None
    time: float = 0.0

    def write(self, holder: str) -> None:
        version = int(self.state.version) + 1 if self.state else 1
        self.state = LeaseState(holder, str(version))


@dataclass
class Leases:
    """One replica's way to the Lease."""

    board: Board
    identity: str
    is_away: bool = False
    tries: int = 0

    async def find(self) -> LeaseState | None:
        self.tries += 1
        if self.is_away:
            raise ClusterUnavailable("away")
        return self.board.state

    async def create(self) -> None:
        if self.board.state is not None:
            raise Outdated
        self.board.write(self.identity)

    async def take(self, former: LeaseState) -> None:
        if self.board.state != former:
            raise Outdated
        self.board.write(self.identity)


@dataclass
class Replica:
    """A replica that campaigns."""

    board: Board
    identity: str
    leases: Leases = field(init=False)
    leadership: Leadership = field(init=False)

    def __post_init__(self) -> None:
        self.leases = Leases(self.board, self.identity)
        self.leadership = Leadership(lambda: self.board.time)

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(campaign(self.leadership, self.leases, lambda: self.board.time))  # type: ignore[arg-type]

    async def try_again(self, times: int = 2) -> None:
        wanted = self.leases.tries + times
        await until_async(lambda: self.leases.tries >= wanted)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "TRY_SECONDS", 0)


async def end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_first_replica_leads_and_the_second_stands_by_until_it_is_gone() -> None:
    board = Board()
    first, second = Replica(board, "first"), Replica(board, "second")
    one = first.start()
    await first.leadership.wait()
    two = second.start()
    await second.try_again()
    assert first.leadership.is_held
    assert not second.leadership.is_held
    await end(one)
    board.time = LEASE_SECONDS - 1
    await second.try_again()
    assert not second.leadership.has_begun
    board.time = LEASE_SECONDS + 1
    await second.leadership.wait()
    assert second.leadership.is_held
    await end(two)


async def test_a_replica_that_stood_still_may_not_write_and_makes_way() -> None:
    board = Board()
    paused = Replica(board, "paused")
    task = paused.start()
    await paused.leadership.wait()
    board.write("other")
    board.time = TRUST_SECONDS + 1
    with pytest.raises(NotLeading):
        paused.leadership.check()
    with pytest.raises(NotLeading):
        await task


async def test_a_leader_that_cannot_renew_writes_nothing_until_it_can_again() -> None:
    board = Board()
    leader = Replica(board, "leader")
    task = leader.start()
    await leader.leadership.wait()
    leader.leases.is_away = True
    await leader.try_again()
    leader.leadership.check()
    board.time = TRUST_SECONDS + 0.1
    assert TRUST_SECONDS < LEASE_SECONDS
    with pytest.raises(NotLeading):
        leader.leadership.check()
    await leader.try_again()
    leader.leases.is_away = False
    await until_async(lambda: leader.leadership.is_held)
    assert not task.done()
    await end(task)


async def test_a_replica_waits_out_an_api_server_that_is_away() -> None:
    board = Board()
    replica = Replica(board, "one")
    replica.leases.is_away = True
    task = replica.start()
    await replica.try_again(3)
    replica.leases.is_away = False
    await replica.leadership.wait()
    await end(task)
