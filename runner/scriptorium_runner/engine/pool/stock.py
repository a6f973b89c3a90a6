"""The workers that nobody holds: fresh ones, which know nobody, and used ones, each of one owner."""

from collections import deque
from collections.abc import Iterator

from scriptorium_runner.engine.workers.channel import Worker


class Stock:
    """Where workers wait to be taken."""

    def __init__(self) -> None:
        self._fresh: deque[Worker] = deque()
        self._used: list[Worker] = []  # Least recently used first.

    def __iter__(self) -> Iterator[Worker]:
        yield from self._fresh
        yield from self._used

    @property
    def fresh(self) -> int:
        """Count the workers that know nobody."""
        return len(self._fresh)

    @property
    def used(self) -> int:
        """Count the workers that have an owner."""
        return len(self._used)

    @property
    def owners(self) -> set[str | None]:
        """Give the owners whose workers are here."""
        return {worker.owner for worker in self._used}

    def add(self, worker: Worker) -> None:
        """Put a worker here that was just born."""
        self._fresh.append(worker)

    def keep(self, worker: Worker, now: float) -> None:
        """Put a worker here that its owner may use again."""
        worker.idle_since = now
        self._used.append(worker)

    def pick(self, owner: str) -> Worker | None:
        """Take the worker that this owner used last, else one that knows nobody."""
        for place in reversed(range(len(self._used))):
            if self._used[place].owner == owner:
                return self._used.pop(place)
        if not self._fresh:
            return None
        worker = self._fresh.popleft()
        worker.owner = owner
        return worker

    def take_oldest(self) -> Worker:
        """Take the worker that was used least recently."""
        return self._used.pop(0)

    def take_newest(self) -> Worker:
        """Take the fresh worker that was born last."""
        return self._fresh.pop()

    def take_used(self) -> tuple[Worker, ...]:
        """Take all workers that have an owner."""
        taken = tuple(self._used)
        self._used.clear()
        return taken

    def discard(self, worker: Worker) -> bool:
        """Take this worker; says whether it was here."""
        for part in (self._fresh, self._used):
            if worker in part:
                part.remove(worker)
                return True
        return False

    def clear(self) -> None:
        """Close every worker and let it go."""
        for worker in self:
            worker.close()
        self._fresh.clear()
        self._used.clear()

    def count_recent(self, now: float, idle_seconds: float) -> int:
        """Count the used workers that have not been idle for so long."""
        return len(self._used) - self._find_recent(now, idle_seconds)

    def find_next_fall(self, now: float, idle_seconds: float) -> float | None:
        """Give when the next of these will have been, or None if there is none."""
        place = self._find_recent(now, idle_seconds)
        return self._used[place].idle_since + idle_seconds if place < len(self._used) else None

    def _find_recent(self, now: float, idle_seconds: float) -> int:
        """Give the place of the first of them: behind it all are. Those before it hardly ever stay here."""
        for place, worker in enumerate(self._used):
            if worker.idle_since + idle_seconds > now:
                return place
        return len(self._used)
