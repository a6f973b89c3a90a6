"""The workers: warm before they are needed, one owner each, replaced when they are spent."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from scriptorium_runner.engine import balance
from scriptorium_runner.engine.channel import Worker
from scriptorium_runner.engine.errors import AcquireTimeout, PoolClosed
from scriptorium_runner.engine.layers import Layer
from scriptorium_runner.engine.nursery import Nursery
from scriptorium_runner.engine.values import EngineSettings, EngineStats

#: After SIGKILL the kernel and the zygote need milliseconds, but a zygote that hangs never tells.
_EXIT_SECONDS = 1.0


@dataclass(eq=False, slots=True)
class _Waiter:
    owner: str
    worker: asyncio.Future[Worker]


class Pool:
    """Hands out at most `pool_size` workers at a time."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._nursery = Nursery(self._welcome, self._rebalance, settings.seal)
        self._fresh: deque[Worker] = deque()
        self._used: list[Worker] = []  # Least recently used first.
        self._busy: set[Worker] = set()
        self._waiters: deque[_Waiter] = deque()
        self._is_open = False
        self._spawned = 0
        self._killed = 0

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

    async def start(self) -> None:
        """Have all workers warm, or as many as can be forked."""
        try:
            await self._nursery.start()
            self._is_open = True
            self._rebalance()
            await self._nursery.wait_for_first_forks(lambda: len(self._fresh) >= self._settings.pool_size)
        except BaseException:
            await self.shutdown()
            raise

    def take(self, owner: str) -> Worker | None:
        """Take a worker that is free now: one that knows this owner, else one that knows nobody."""
        if not self._is_open:
            raise PoolClosed
        if worker := self._pick(owner):
            self._rebalance()
        return worker

    def _pick(self, owner: str) -> Worker | None:
        if len(self._busy) >= self._settings.pool_size:
            return None
        known = [worker for worker in self._used if worker.owner == owner]
        if known:
            self._used.remove(known[-1])
            worker = known[-1]
        elif self._fresh:
            worker = self._fresh.popleft()
            worker.owner = owner
        else:
            return None
        self._busy.add(worker)
        return worker

    async def acquire(self, owner: str) -> Worker:
        """Take a worker as soon as there is one."""
        if worker := self.take(owner):
            return worker
        waiter = _Waiter(owner, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._rebalance()
        try:
            async with asyncio.timeout(self._settings.acquire_seconds):
                return await waiter.worker
        except BaseException as error:
            self._take_back(waiter)
            if isinstance(error, TimeoutError):
                raise AcquireTimeout from error
            raise
        finally:
            self._waiters.remove(waiter)

    def release(self, worker: Worker, *, is_reusable: bool) -> None:
        """Give a worker back; one that is not reusable is ended and replaced."""
        self._busy.discard(worker)
        if is_reusable and self._is_open and not worker.exited.done():
            self._used.append(worker)
        else:
            self._end(worker)
        self._serve_waiters()
        self._rebalance()

    def stats(self) -> EngineStats:
        """Count what there is."""
        return EngineStats(
            size=self._settings.pool_size,
            in_use=len(self._busy),
            fresh=len(self._fresh),
            used=len(self._used),
            waiting=len(self._waiters),
            spawned=self._spawned,
            killed=self._killed,
        )

    async def shutdown(self) -> None:
        """End every worker and the zygote; nobody gets a worker any more."""
        self._is_open = False
        for waiter in self._waiters:
            if not waiter.worker.done():
                waiter.worker.set_exception(PoolClosed())
        try:
            await self._nursery.abandon_forks()
            await self._kill_all()
        finally:
            for worker in (*self._fresh, *self._used):
                worker.close()
            self._fresh.clear()
            self._used.clear()
            await self._nursery.stop()

    async def _kill_all(self) -> None:
        workers = (*self._fresh, *self._used, *self._busy)
        for worker in workers:
            worker.kill()
        if workers:
            # Not gather: a caller that gives up must not cancel what others wait for.
            await asyncio.wait([worker.exited for worker in workers], timeout=_EXIT_SECONDS)

    def _take_back(self, waiter: _Waiter) -> None:
        """Take a worker back that was handed over in the very moment its waiter gave up."""
        future = waiter.worker
        if future.done() and not future.cancelled() and future.exception() is None:
            self.release(future.result(), is_reusable=True)

    def _serve_waiters(self) -> None:
        for waiter in tuple(self._waiters):
            if self._is_open and not waiter.worker.done() and (worker := self._pick(waiter.owner)):
                waiter.worker.set_result(worker)

    def _rebalance(self) -> None:
        if not self._is_open:
            return
        census = balance.Census(
            busy=len(self._busy),
            used=len(self._used),
            fresh=len(self._fresh),
            starting=self._nursery.starting,
            waiting=sum(not waiter.worker.done() for waiter in self._waiters),
        )
        change = balance.decide_change(census, self._settings.pool_size, self._settings.spare_workers)
        for _ in range(change.evict):
            self._end(self._used.pop(0))
        self._nursery.fork(change.fork)

    def _welcome(self, worker: Worker) -> None:
        self._spawned += 1
        worker.exited.add_done_callback(lambda _: self._forget(worker))
        self._fresh.append(worker)
        self._serve_waiters()
        self._rebalance()

    def _end(self, worker: Worker) -> None:
        if not worker.exited.done():
            self._killed += 1
        worker.kill()
        worker.close()

    def _forget(self, worker: Worker) -> None:
        """Replace a worker that died while nobody used it."""
        if not self._is_open:
            return
        if worker in self._fresh:
            self._fresh.remove(worker)
        elif worker in self._used:
            self._used.remove(worker)
        else:
            return
        worker.close()
        self._rebalance()
