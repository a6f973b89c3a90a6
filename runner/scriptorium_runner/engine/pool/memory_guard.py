"""Keeps the workers within the container's memory, so that the kernel has no reason to end them all."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from scriptorium_runner.engine.held import Held
from scriptorium_runner.engine.pool import admission, container_memory
from scriptorium_runner.engine.pool.container_memory import ContainerMemory, MemoryReading
from scriptorium_runner.engine.workers.channel import Worker

_log = logging.getLogger(__name__)

#: Between two looks while nothing runs.
_IDLE_SECONDS = 1.0


class MemoryGuard:
    """Admits runs by what was promised, and ends the largest worker when that was not enough."""

    def __init__(self, container: ContainerMemory | None, part: float, held: Held | None = None) -> None:
        self._container = container
        self._part = part
        self._held = held or Held()
        self._idle: MemoryReading | None = None
        #: What is being ended, and how much memory it has still to give back.
        self._dying: dict[Worker, int] = {}
        #: How many workers had to end.
        self.kills = 0

    @property
    def limit_mb(self) -> float | None:
        """Say how much there is for this container; None if it has no limit."""
        return None if self._idle is None else self._idle.limit / 2**20

    def note_idle(self) -> None:
        """Take what is used now for what is used while nothing runs."""
        self._idle = self._container.read() if self._container is not None else None

    def fits(self, wanted_mb: int, promised_mb: int) -> bool:
        """Say whether a run has room beside those that were promised theirs."""
        return self._idle is None or admission.fits(wanted_mb, promised_mb, self._idle, self._held.size)

    def fits_part(self, wanted_mb: int, promised_mb: int, part: float) -> bool:
        """Say whether a run fits into a part of the memory beside those that were promised theirs of it."""
        return self._idle is None or admission.fits_part(wanted_mb, promised_mb, self._idle, part)

    async def watch(
        self, list_busy: Callable[[], Sequence[Worker]], give_up_kept: Callable[[], bool]
    ) -> None:
        """Look after the memory until cancelled; returns at once where nothing can be read.

        Workers that wait for their owners go first, all at once: they cost nobody a run.
        """
        while self._container is not None:
            if busy := list_busy():
                await asyncio.sleep(self._look(self._container, busy, give_up_kept))
            else:
                self.note_idle()
                await asyncio.sleep(_IDLE_SECONDS)

    def _look(
        self, container: ContainerMemory, busy: Sequence[Worker], give_up_kept: Callable[[], bool]
    ) -> float:
        """End the largest worker if it has to be; give how long to wait until the next look."""
        if (reading := container.read()) is None:
            return _IDLE_SECONDS
        self._dying = {worker: size for worker, size in self._dying.items() if not worker.exited.done()}
        # What is about to be given back is no reason to end another.
        reading = replace(reading, used=reading.used - sum(self._dying.values()))
        if reading.used >= reading.limit * self._part and not give_up_kept():
            self._end_largest([worker for worker in busy if worker not in self._dying], reading)
        return admission.find_pause(reading, self._part)

    def _end_largest(self, workers: Sequence[Worker], reading: MemoryReading) -> None:
        footprints = [container_memory.read_footprint(worker.pid) for worker in workers]
        victim = admission.choose_victim(footprints, reading, self._part)
        if victim is None:
            return
        self.kills += 1
        self._dying[workers[victim]] = footprints[victim]
        workers[victim].end_for_memory()
        _log.warning(
            "memory is nearly used up, the largest worker was ended",
            extra={"used": reading.used, "limit": reading.limit, "worker_bytes": footprints[victim]},
        )
