"""How runs of the queue and requests share the slots and the memory of a pool. Pure."""

import math
from collections.abc import Mapping

from scriptorium_api.values import frozen
from scriptorium_runner.engine.values import Lane

#: Those in one line where nothing is reserved; what scripts called has slots of its own.
_TOGETHER = frozenset({Lane.QUEUED, Lane.HTTP})


@frozen
class Lanes:
    """So many slots, of which some, and the same part of the memory, are kept from runs of the queue."""

    slots: int
    reserved: int = 0
    #: The part of the memory that is reserved, 0 if there is none.
    part: float = 0.0

    @property
    def are_apart(self) -> bool:
        """Say whether anything is reserved."""
        return self.reserved > 0

    def count_free(self, lane: Lane, held: Mapping[Lane, int]) -> int:
        """Say how many slots a lane may still take; requests may take all, runs of the queue only theirs."""
        free = self.slots - held.get(Lane.QUEUED, 0) - held.get(Lane.HTTP, 0)
        if lane is Lane.QUEUED and self.are_apart:
            free = min(free, self.slots - self.reserved - held.get(lane, 0))
        return max(0, free)

    def count_startable(self, waiting: Mapping[Lane, int], held: Mapping[Lane, int]) -> int:
        """Say how many of those that wait could have a slot now."""
        queued = min(waiting.get(Lane.QUEUED, 0), self.count_free(Lane.QUEUED, held))
        return min(queued + waiting.get(Lane.HTTP, 0), self.count_free(Lane.HTTP, held))

    def list_lines(self, held: Mapping[Lane, int]) -> tuple[frozenset[Lane], ...]:
        """Give the lines that wait side by side, first the one that the next free slot is for.

        Requests are first until they hold what is reserved for them, then runs of the queue until they hold
        the rest; what these leave goes to further requests.
        """
        if not self.are_apart:
            return (_TOGETHER,)
        http, queued = frozenset({Lane.HTTP}), frozenset({Lane.QUEUED})
        return (http, queued) if held.get(Lane.HTTP, 0) < self.reserved else (queued, http)

    def find_line(self, lane: Lane) -> frozenset[Lane]:
        """Give the lanes that take their turns in one line with this one."""
        return frozenset({lane}) if self.are_apart or lane is Lane.CALLED else _TOGETHER

    def count_own(self, line: frozenset[Lane]) -> int:
        """Say how many slots a line can count on."""
        if line == _TOGETHER:
            return self.slots
        return self.reserved if Lane.HTTP in line else self.slots - self.reserved

    def find_part(self, lane: Lane) -> float:
        """Give the part of the memory that a lane can count on."""
        if not self.are_apart:
            return 1.0
        return self.part if lane is Lane.HTTP else 1 - self.part


def divide(slots: int, part: float) -> Lanes:
    """Reserve at least this part of the slots for requests, and leave runs of the queue one at least."""
    reserved = min(slots - 1, math.ceil(slots * part))
    return Lanes(slots, reserved, part if reserved else 0.0)
