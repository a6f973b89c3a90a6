"""The workers: warm before they are needed, one owner each, replaced when they are spent."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from scriptorium_runner.engine import balance
from scriptorium_runner.engine.channel import Worker
from scriptorium_runner.engine.errors import AcquireTimeout, EngineStartFailed, PoolClosed, WorkerLost
from scriptorium_runner.engine.values import EngineSettings, EngineStats
from scriptorium_runner.engine.zygote_process import ZygoteProcess

_log = logging.getLogger(__name__)

#: Between two attempts to fork when the last one failed, so that a broken machine is not made busy as well.
_RETRY_SECONDS = 0.2


@dataclass(eq=False, slots=True)
class _Waiter:
    owner: str
    worker: asyncio.Future[Worker]


class Pool:
    """Hands out at most `pool_size` workers at a time."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._zygote: ZygoteProcess | None = None
        self._zygote_lock = asyncio.Lock()
        self._fresh: deque[Worker] = deque()
        self._used: list[Worker] = []  # Least recently used first.
        self._busy: set[Worker] = set()
        self._waiters: deque[_Waiter] = deque()
        self._forks: set[asyncio.Task[None]] = set()
        self._is_open = False
        self._spawned = 0
        self._killed = 0

    async def start(self) -> None:
        """Have all workers warm."""
        self._zygote = await ZygoteProcess.start()
        self._is_open = True
        self._rebalance()
        while len(self._fresh) < self._settings.pool_size and self._forks:
            await asyncio.wait(self._forks, return_when=asyncio.FIRST_COMPLETED)

    def take(self, owner: str) -> Worker | None:
        """Take a worker that is free now: one that knows this owner, else one that knows nobody."""
        if not self._is_open:
            raise PoolClosed
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
        self._rebalance()
        return worker

    async def acquire(self, owner: str) -> Worker:
        """Take a worker as soon as there is one."""
        if worker := self.take(owner):
            return worker
        waiter = _Waiter(owner, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
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
        for task in tuple(self._forks):
            task.cancel()
        await asyncio.gather(*self._forks, return_exceptions=True)
        for worker in (*self._fresh, *self._used, *self._busy):
            worker.kill()
        await asyncio.gather(*(worker.exited for worker in (*self._fresh, *self._used, *self._busy)))
        for worker in (*self._fresh, *self._used):
            worker.close()
        self._fresh.clear()
        self._used.clear()
        if self._zygote is not None:
            zygote, self._zygote = self._zygote, None
            await zygote.stop()

    def _take_back(self, waiter: _Waiter) -> None:
        """Take a worker back that was handed over in the very moment its waiter gave up."""
        future = waiter.worker
        if future.done() and not future.cancelled() and future.exception() is None:
            self.release(future.result(), is_reusable=True)

    def _serve_waiters(self) -> None:
        for waiter in tuple(self._waiters):
            if self._is_open and not waiter.worker.done() and (worker := self.take(waiter.owner)):
                waiter.worker.set_result(worker)

    def _rebalance(self) -> None:
        if not self._is_open:
            return
        census = balance.Census(
            busy=len(self._busy), used=len(self._used), fresh=len(self._fresh), starting=len(self._forks)
        )
        change = balance.decide_change(census, self._settings.pool_size, self._settings.spare_workers)
        for _ in range(change.evict):
            self._end(self._used.pop(0))
        for _ in range(change.fork):
            task = asyncio.create_task(self._fork())
            self._forks.add(task)
            task.add_done_callback(self._forks.discard)

    async def _fork(self) -> None:
        try:
            worker = await Worker.fork(await self._get_zygote())
        except (WorkerLost, EngineStartFailed, OSError):
            _log.exception("a worker could not be forked")
            await asyncio.sleep(_RETRY_SECONDS)
            asyncio.get_running_loop().call_soon(self._rebalance)
            return
        self._spawned += 1
        worker.exited.add_done_callback(lambda _: self._forget(worker))
        self._fresh.append(worker)
        asyncio.get_running_loop().call_soon(self._serve_waiters)

    async def _get_zygote(self) -> ZygoteProcess:
        """Find the zygote, or start another one if it died."""
        async with self._zygote_lock:
            if self._zygote is None or not self._zygote.is_running:
                dead, self._zygote = self._zygote, None
                if dead is not None:
                    _log.error("the zygote died and is started again")
                    await dead.stop()
                self._zygote = await ZygoteProcess.start()
            return self._zygote

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
