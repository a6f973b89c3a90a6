"""Moments at which runs are looked at, however busy the runner is: a deadline, a cancel. No clock, no I/O."""

import heapq
from collections.abc import Callable, Iterator

#: Alarms of runs that are gone are thrown away when there are more alarms than this and twice those kept.
_ROOM = 1000


class Alarms:
    """At most one look per alarm; alarms of runs that nobody waits for any more are forgotten."""

    def __init__(self, is_wanted: Callable[[str], bool]) -> None:
        self._is_wanted = is_wanted
        self._heap: list[tuple[float, str]] = []
        self._most = _ROOM

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, uid: str, moment: float) -> None:
        """Have the run looked at from this moment on."""
        heapq.heappush(self._heap, (moment, uid))
        if len(self._heap) > self._most:
            self._heap = [alarm for alarm in self._heap if self._is_wanted(alarm[1])]
            heapq.heapify(self._heap)
            self._most = 2 * len(self._heap) + _ROOM

    def pop_due(self, now: float) -> Iterator[str]:
        """Take out the runs whose moment has come."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[1]

    def next_moment(self) -> float | None:
        """Give the moment of the next alarm."""
        return self._heap[0][0] if self._heap else None
