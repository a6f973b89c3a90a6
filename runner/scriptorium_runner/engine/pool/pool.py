"""The workers: warm before they are needed, one owner each, replaced when they are spent."""

import asyncio
import time
from collections.abc import Mapping

from scriptorium_runner.engine.errors import AcquireTimeout, PoolClosed
from scriptorium_runner.engine.held import Held
from scriptorium_runner.engine.pool import balance
from scriptorium_runner.engine.pool.claims import Claim, Claims
from scriptorium_runner.engine.pool.container_memory import ContainerMemory
from scriptorium_runner.engine.pool.demand import Demand
from scriptorium_runner.engine.pool.memory_guard import MemoryGuard
from scriptorium_runner.engine.pool.nursery import Nursery
from scriptorium_runner.engine.pool.stock import Stock
from scriptorium_runner.engine.pool.turns import Turns, Waiter
from scriptorium_runner.engine.seal.layers import Layer
from scriptorium_runner.engine.values import EngineSettings, EngineStats, Lane
from scriptorium_runner.engine.workers.backlog import Backlog
from scriptorium_runner.engine.workers.channel import Worker
from scriptorium_runner.engine.workers.zygote_start import Begun

#: After SIGKILL the kernel and the zygote need milliseconds, but a zygote that hangs never tells.
_EXIT_SECONDS = 1.0
#: A timer may fire a little early by the other clock.
_A_MOMENT = 0.01
#: So late a change of the stock may be noticed; whoever finds none waiting is seen to at once.
_BALANCE_SECONDS = 0.005


class Pool:
    """Hands out at most `pool_size` workers at a time, within the container's memory, and `nested_slots` more
    for each depth of calls from script to script."""

    def __init__(
        self,
        settings: EngineSettings,
        container: ContainerMemory | None = None,
        held: Held | None = None,
    ) -> None:
        self._settings = settings
        self._held = held or Held()
        self._memory = MemoryGuard(container, settings.memory_part, self._held)
        self._held.listen(self._look_for_memory)
        self._watching: asyncio.Task[None] | None = None
        self._nursery = Nursery(self._welcome, self._rebalance, settings.seal)
        self._demand = Demand(settings.idle_seconds)
        self._shrinking: asyncio.TimerHandle | None = None
        self._stock = Stock()
        self._busy = Claims()
        self._turns = Turns(settings, self._busy, self._stock, self._memory)
        self._is_open = self._is_to_balance = False
        self._spawned = self._killed = self._hits = self._misses = self._waits = 0
        self._waited_seconds = 0.0
        #: The answers that the workers have not read.
        self.backlog = Backlog()

    @property
    def is_working(self) -> bool:
        """Say whether workers are born when they are wanted."""
        patience = self._settings.fork_patience_seconds
        return self._is_open and not balance.is_overdue(
            self._nursery.barren_since, time.monotonic(), patience
        )

    @property
    def layers(self) -> Mapping[Layer, bool]:
        """Say which layers the workers are sealed with."""
        return self._nursery.layers

    @property
    def build(self) -> str:
        """Say who compiled the engine; see `build`."""
        return self._nursery.build

    async def start(self, begun: Begun | None = None) -> None:
        """Have the first workers warm, or as many as can be forked, if need be by a zygote that was begun."""
        try:
            await self._nursery.start(begun)
            self._is_open = True
            self._rebalance()
            await self._nursery.wait_for_first_forks(
                lambda: self._stock.fresh >= self._find_level(time.monotonic())
            )
            self._memory.note_idle()
            self._watching = asyncio.create_task(
                self._memory.watch(lambda: self._busy.workers, self._give_up_kept)
            )
        except BaseException:
            await self.shutdown()
            raise

    def take(self, claim: Claim) -> Worker | None:
        """Take a worker that is free now: one that knows this owner, else one that knows nobody."""
        if not self._is_open:
            raise PoolClosed
        worker = self._pick(claim) if self._turns.may_take(claim) else None
        if worker is not None:
            self._hits += 1
            self._rebalance_soon()
        return worker

    @property
    def reserved(self) -> int:
        """Say how many slots are kept for HTTP at this moment."""
        return self._turns.reserved

    def reserve_for_http(self, *, is_served: bool) -> None:
        """Keep slots and memory for HTTP from now on, or give them to all."""
        self._turns.reserve_for_http(is_served=is_served)
        self._serve_waiters()
        self._rebalance()

    def _look_for_memory(self) -> None:
        if self._turns.is_short:
            self._serve_waiters()

    def _pick(self, claim: Claim) -> Worker | None:
        worker = self._stock.pick(claim.owner)
        if worker is not None:
            self._busy.add(worker, claim)
        return worker

    async def acquire(self, claim: Claim) -> Worker:
        """Take a worker as soon as there is one."""
        if worker := self.take(claim):
            return worker
        waiter = self._turns.begin(claim)
        since = time.monotonic()
        self._waits += 1
        self._serve_waiters()
        self._rebalance()
        try:
            async with asyncio.timeout(self._find_patience(claim)):
                return await waiter.worker
        except BaseException as error:
            self._take_back(waiter)
            if isinstance(error, TimeoutError):
                raise AcquireTimeout from error
            raise
        finally:
            self._waited_seconds += time.monotonic() - since
            self._turns.end(waiter)
            self._look_for_memory()

    def _find_patience(self, claim: Claim) -> float:
        settings = self._settings
        return settings.http_acquire_seconds if claim.lane is Lane.HTTP else settings.acquire_seconds

    def release(self, worker: Worker, *, is_reusable: bool) -> None:
        """Give a worker back; one that is not reusable is ended and replaced."""
        self._busy.remove(worker)
        if is_reusable and self._is_open and not worker.exited.done():
            self._stock.keep(worker, time.monotonic())
        else:
            self._end(worker)
        self._serve_waiters()
        self._rebalance_soon()

    def stats(self) -> EngineStats:
        """Count what there is."""
        return EngineStats(
            size=self._settings.pool_size,
            in_use=len(self._busy),
            reserved=self._turns.reserved,
            lane_busy=dict(self._busy.lanes),
            lane_waiting=self._turns.count_lanes(),
            fresh=self._stock.fresh,
            used=self._stock.used,
            waiting=len(self._turns),
            spawned=self._spawned,
            killed=self._killed,
            hits=self._hits,
            misses=self._misses,
            waits=self._waits,
            waited_seconds=self._waited_seconds,
            memory_limit_mb=self._memory.limit_mb,
            memory_promised_mb=self._busy.promised_mb,
            memory_held_mb=self._held.size / 2**20,
            memory_kills=self._memory.kills,
        )

    async def shutdown(self) -> None:
        """End every worker and the zygote; nobody gets a worker any more."""
        self._is_open = False
        for ending in (self._shrinking, self._watching):
            if ending is not None:
                ending.cancel()
        for waiter in self._turns:
            if not waiter.worker.done():
                waiter.worker.set_exception(PoolClosed())
        try:
            await self._nursery.abandon_forks()
            await self._kill_all()
        finally:
            self._stock.clear()
            await self._nursery.stop()

    async def _kill_all(self) -> None:
        workers = (*self._stock, *self._busy.workers)
        for worker in workers:
            worker.kill()
        if workers:
            # Not gather: a caller that gives up must not cancel what others wait for.
            await asyncio.wait([worker.exited for worker in workers], timeout=_EXIT_SECONDS)

    def _take_back(self, waiter: Waiter) -> None:
        """Take a worker back that was handed over in the very moment its waiter gave up."""
        future = waiter.worker
        if future.done() and not future.cancelled() and future.exception() is None:
            self.release(future.result(), is_reusable=True)

    def _serve_waiters(self, *, is_birth: bool = False) -> None:
        """Hand free workers out to those who wait.

        Who had a slot and is served by a birth had no warm worker; all others only waited for their turn.
        """
        self._turns.look_anew()
        while self._is_open and (waiter := self._turns.find_next()):
            worker = self._pick(waiter.claim)
            assert worker is not None, "only who a worker is there for is next"  # noqa: S101
            waiter.worker.set_result(worker)
            self._hits += not is_birth
            self._misses += is_birth

    def _find_level(self, now: float) -> int:
        demand = self._demand.find_level(now)
        return balance.decide_level(demand, self._settings.initial_workers, self._settings.pool_size)

    def _rebalance_soon(self) -> None:
        """Balance once for all that happens within a moment: under load that is many runs."""
        if not self._is_to_balance:
            self._is_to_balance = True
            asyncio.get_running_loop().call_later(_BALANCE_SECONDS, self._rebalance)

    def _rebalance(self) -> None:
        self._is_to_balance = False
        if not self._is_open:
            return
        # One moment for all: what falls due between two looks at the clock would be seen by neither.
        now = time.monotonic()
        self._demand.note(now, self._turns.find_demand())
        census = balance.Census(
            busy=len(self._busy),
            used=self._stock.used,
            fresh=self._stock.fresh,
            starting=self._nursery.starting,
            waiting=self._turns.count_helped(),
        )
        change = balance.decide_change(
            census, self._find_level(now), self._settings.spare_workers, self._count_kept(now)
        )
        for _ in range(change.evict):
            self._end(self._stock.take_oldest())
        for _ in range(change.retire):
            self._end(self._stock.take_newest())
        self._nursery.fork(change.fork)
        self._look_again_when_idle(now)

    def _count_kept(self, now: float) -> int:
        """Count the used workers that were needed lately, as far as they may stay beyond the others."""
        lately = self._stock.count_recent(now, self._settings.idle_seconds)
        return min(lately, self._settings.kept_workers)

    def _look_again_when_idle(self, now: float) -> None:
        """Have the pool shrink in time, also if nothing happens till then."""
        if self._shrinking is not None or (at := self._find_next_fall(now)) is None:
            return
        seconds = max(0.0, at - time.monotonic()) + _A_MOMENT
        self._shrinking = asyncio.get_running_loop().call_later(seconds, self._shrink)

    def _find_next_fall(self, now: float) -> float | None:
        """Give when fewer workers are kept if nothing more happens."""
        falls = (
            self._stock.find_next_fall(now, self._settings.idle_seconds),
            self._demand.find_next_fall(),
        )
        later = [at for at in falls if at is not None and at > now]
        return min(later, default=None)

    def _give_up_kept(self) -> bool:
        """End the workers that are only kept; says whether there were any."""
        kept = self._stock.take_used()
        for worker in kept:
            self._end(worker)
        return bool(kept)

    def _shrink(self) -> None:
        self._shrinking = None
        self._rebalance()

    def _welcome(self, worker: Worker) -> None:
        self._spawned += 1
        worker.exited.add_done_callback(lambda _: self._forget(worker))
        self._stock.add(worker)
        self._serve_waiters(is_birth=True)
        self._rebalance()

    def _end(self, worker: Worker) -> None:
        if not worker.exited.done():
            self._killed += 1
        worker.kill()
        worker.close()

    def _forget(self, worker: Worker) -> None:
        """Replace a worker that died while nobody used it."""
        if self._is_open and self._stock.discard(worker):
            worker.close()
            self._rebalance()
