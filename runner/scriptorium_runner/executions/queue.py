"""The runs that wait for a worker of this runner. No clock, no I/O."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

#: Tickets that others' claims made stale are thrown away when there are this many more than current ones.
_ROOM = 1000


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """One waiting run: from when this runner may take it."""

    due: float
    created: float
    uid: str
    is_own: bool = field(compare=False, default=True)


class Queue:
    """First come, first served among this runner's own; others' runs only when none of its own is due.

    Another's run is drawn by lot: two runners that help out at the same time seldom choose the same.
    """

    def __init__(self, draw: Callable[[int], int]) -> None:
        self._draw = draw
        self._tickets: dict[str, Ticket] = {}
        self._own: list[Ticket] = []
        self._others: list[Ticket] = []
        self._free: list[Ticket] = []

    def __len__(self) -> int:
        return len(self._tickets)

    def put(self, ticket: Ticket) -> None:
        """Add a run, or change from when it may be taken."""
        self._tickets[ticket.uid] = ticket
        heapq.heappush(self._own if ticket.is_own else self._others, ticket)
        if self.count_kept() > 2 * len(self._tickets) + _ROOM:
            self._throw_away_stale()

    def count_kept(self) -> int:
        """Count the tickets in memory, stale ones included."""
        return len(self._own) + len(self._others) + len(self._free)

    def remove(self, uid: str) -> None:
        """Forget a run; nothing happens if it is not here."""
        self._tickets.pop(uid, None)

    def pop(self, now: float) -> str | None:
        """Take out the next run that may start now."""
        ticket = self._pop_own(now) or self._pop_other(now)
        if ticket is None:
            return None
        del self._tickets[ticket.uid]
        return ticket.uid

    def next_due(self) -> float | None:
        """Give the moment from which pop will find something, if nothing else happens."""
        if any(self._is_current(ticket) for ticket in self._free):
            return 0.0
        heads = [self._head(heap) for heap in (self._own, self._others)]
        return min((ticket.due for ticket in heads if ticket), default=None)

    def _throw_away_stale(self) -> None:
        for heap in (self._own, self._others, self._free):
            heap[:] = filter(self._is_current, heap)
        heapq.heapify(self._own)
        heapq.heapify(self._others)

    def _pop_own(self, now: float) -> Ticket | None:
        head = self._head(self._own)
        return heapq.heappop(self._own) if head and head.due <= now else None

    def _pop_other(self, now: float) -> Ticket | None:
        while (head := self._head(self._others)) and head.due <= now:
            self._free.append(heapq.heappop(self._others))
        while self._free:
            chosen = self._draw(len(self._free))
            self._free[chosen], self._free[-1] = self._free[-1], self._free[chosen]
            ticket = self._free.pop()
            if self._is_current(ticket):
                return ticket
        return None

    def _head(self, heap: list[Ticket]) -> Ticket | None:
        while heap and not self._is_current(heap[0]):
            heapq.heappop(heap)
        return heap[0] if heap else None

    def _is_current(self, ticket: Ticket) -> bool:
        return self._tickets.get(ticket.uid) is ticket
