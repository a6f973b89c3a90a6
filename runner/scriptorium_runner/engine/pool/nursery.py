"""Where workers come from: the zygote, started again when it dies, and the forks that are under way."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from scriptorium_runner.engine.protocol import Readiness
from scriptorium_runner.engine.seal import layers
from scriptorium_runner.engine.seal.layers import Layer, Seal
from scriptorium_runner.engine.workers.channel import Worker
from scriptorium_runner.engine.workers.zygote_process import ZygoteProcess
from scriptorium_runner.engine.workers.zygote_start import Begun

_log = logging.getLogger(__name__)

#: Between two attempts to fork when the last one failed, so that a broken machine is not made busy as well.
_RETRY_SECONDS = 0.2
#: Forks at once; more would not be faster, and the zygote's socket holds some hundred questions.
_MOST_AT_ONCE = 16


class Nursery:
    """Forks workers and hands each to `welcome`; calls `try_again` when a fork failed some time ago."""

    def __init__(
        self, welcome: Callable[[Worker], None], try_again: Callable[[], None], seal: Seal = Seal.FULL
    ) -> None:
        self._welcome = welcome
        self._seal = seal
        self._try_again = try_again
        self._zygote: ZygoteProcess | None = None
        self._zygote_lock = asyncio.Lock()
        self._room = asyncio.Semaphore(_MOST_AT_ONCE)
        self._forks: set[asyncio.Task[None]] = set()
        self._is_failing = False
        #: Forks that are under way, or wait after a failure.
        self.starting = 0
        #: Since when, on the monotonic clock, workers are wanted and none was born.
        self.barren_since: float | None = None
        #: Which layers the workers are sealed with, since the zygote was last started.
        self.layers: Mapping[Layer, bool] = {}
        #: Who compiled the engine; see `build`.
        self.build = ""

    async def start(self, begun: Begun | None = None) -> None:
        """Start the zygote, or take the one that was begun."""
        await self._get_zygote(begun)

    def fork(self, count: int) -> None:
        """Begin so many forks."""
        for _ in range(count):
            self.starting += 1
            task = asyncio.create_task(self._fork())
            self._forks.add(task)
            task.add_done_callback(self._forks.discard)
        if self.starting and self.barren_since is None:
            self.barren_since = time.monotonic()

    async def wait_for_first_forks(self, is_enough: Callable[[], bool]) -> None:
        """Wait until there are enough workers, or until no fork is left of those that are under way now."""
        forks = set(self._forks)
        while forks and not is_enough():
            _, forks = await asyncio.wait(forks, return_when=asyncio.FIRST_COMPLETED)

    async def abandon_forks(self) -> None:
        """End the forks that are under way."""
        forks = tuple(self._forks)
        for task in forks:
            task.cancel()
        await asyncio.gather(*forks, return_exceptions=True)

    async def stop(self) -> None:
        """End the zygote, and with it whatever worker still lives."""
        if self._zygote is not None:
            zygote, self._zygote = self._zygote, None
            await zygote.stop()

    async def _fork(self) -> None:
        try:
            worker = await self._try_to_fork()
        finally:
            # Before anybody counts again; a callback of the finished task would come too late.
            self.starting -= 1
        if worker is not None:
            self.barren_since = time.monotonic()
            self._welcome(worker)
        else:
            self._try_again()
        if not self.starting:
            self.barren_since = None

    async def _try_to_fork(self) -> Worker | None:
        try:
            async with self._room:
                worker = await Worker.fork(await self._get_zygote())
        except Exception as error:  # noqa: BLE001 - whatever it was, the pool must not stay smaller for it
            self._note_failure(error)
            await asyncio.sleep(_RETRY_SECONDS)
            return None
        self._note_success()
        return worker

    def _note_failure(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            _log.error("workers cannot be forked", exc_info=error)

    def _note_success(self) -> None:
        if self._is_failing:
            self._is_failing = False
            _log.info("workers can be forked again")

    async def _get_zygote(self, begun: Begun | None = None) -> ZygoteProcess:
        """Find the zygote, or start another one if it died."""
        async with self._zygote_lock:
            if self._zygote is None or not self._zygote.is_running:
                dead, self._zygote = self._zygote, None
                if dead is not None:
                    _log.error("the zygote died and is started again")
                    await dead.stop()
                self._zygote = await ZygoteProcess.start(self._seal, begun)
                self.layers = layers.list_active(self._zygote.readiness.flaws)
                self.build = self._zygote.readiness.build
                _log.info("sandbox ready", extra=_describe(self._zygote.readiness))
            return self._zygote


def _describe(readiness: Readiness) -> dict[str, Any]:
    active = layers.list_active(readiness.flaws)
    return {
        "layers": [layer for layer, is_active in active.items() if is_active],
        "missing": {str(layer): flaw for layer, flaw in readiness.flaws.items()},
        "landlockVersion": readiness.landlock_version,
        "engine": readiness.build,
        "bytecode": readiness.has_bytecode,
        "snapshot": readiness.has_snapshot,
    }
