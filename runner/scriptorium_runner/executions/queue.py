"""The runs that wait for a worker of this runner. No clock, no I/O."""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from scriptorium_api.values import frozen

_Item = TypeVar("_Item")

#: Tickets that others' claims made stale are thrown away when there are this many more than current ones.
_ROOM = 1000


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """One waiting run: from when this runner may take it, and in whose share it counts."""

    due: float
    created: float
    uid: str
    is_own: bool = field(compare=False, default=True)
    script: str = field(compare=False, default="")


@frozen
class Shares:
    """How many slots each Script holds at this moment, and how many it may hold while others wait."""

    held: Mapping[str, int]
    cap: int

    def has_room(self, script: str) -> bool:
        """Say whether a Script may have another slot although others wait."""
        return self.held.get(script, 0) < self.cap


_NO_SHARES = Shares({}, 1)


class Queue:
    """First come, first served among this runner's own; others' runs only when none of its own is due.

    A Script that holds its share of the slots comes after all others, those runs of others included; if only
    such Scripts wait, the one that holds the fewest slots is next. Another's run is drawn by lot, first the
    Script and then its run: two runners that help out at the same time seldom choose the same.
    """

    def __init__(self, draw: Callable[[int], int]) -> None:
        self._draw = draw
        self._tickets: dict[str, Ticket] = {}
        self._own: dict[str, list[Ticket]] = {}
        self._others: list[Ticket] = []
        self._free: dict[str, list[Ticket]] = {}
        self._kept = 0

    def __len__(self) -> int:
        return len(self._tickets)

    def put(self, ticket: Ticket) -> None:
        """Add a run, or change from when it may be taken."""
        self._tickets[ticket.uid] = ticket
        heap = self._own.setdefault(ticket.script, []) if ticket.is_own else self._others
        heapq.heappush(heap, ticket)
        self._kept += 1
        if self._kept > 2 * len(self._tickets) + _ROOM:
            self._throw_away_stale()

    def count_kept(self) -> int:
        """Count the tickets in memory, stale ones included."""
        return self._kept

    def remove(self, uid: str) -> None:
        """Forget a run; nothing happens if it is not here."""
        self._tickets.pop(uid, None)

    def pop(self, now: float, shares: Shares = _NO_SHARES) -> str | None:
        """Take out the next run that may start now."""
        self._free_others(now)
        ticket = self._choose(now, shares)
        if ticket is None:
            return None
        self._kept -= 1
        del self._tickets[ticket.uid]
        return ticket.uid

    def next_due(self) -> float | None:
        """Give the moment from which pop will find something, if nothing else happens."""
        if any(self._is_current(ticket) for line in self._free.values() for ticket in line):
            return 0.0
        heads = [*self._own_heads(), self._head(self._others)]
        return min((ticket.due for ticket in heads if ticket), default=None)

    def _choose(self, now: float, shares: Shares) -> Ticket | None:
        due = [ticket for ticket in self._own_heads() if ticket.due <= now]
        if within := [ticket for ticket in due if shares.has_room(ticket.script)]:
            return self._take_own(min(within))
        if ticket := self._take_free([script for script in self._free if shares.has_room(script)]):
            return ticket
        if due:
            return self._take_own(min(due, key=lambda ticket: (shares.held.get(ticket.script, 0), ticket)))
        return self._take_free(list(self._free))

    def _take_own(self, ticket: Ticket) -> Ticket:
        heap = self._own[ticket.script]
        heapq.heappop(heap)
        if not heap:
            del self._own[ticket.script]
        return ticket

    def _take_free(self, scripts: list[str]) -> Ticket | None:
        """Draw one of the others' runs of these Scripts."""
        while scripts:
            script = _draw_out(scripts, self._draw)
            line = self._free[script]
            while line:
                ticket = _draw_out(line, self._draw)
                if not line:
                    del self._free[script]
                if self._is_current(ticket):
                    return ticket
                self._kept -= 1
        return None

    def _free_others(self, now: float) -> None:
        while (head := self._head(self._others)) and head.due <= now:
            self._free.setdefault(head.script, []).append(heapq.heappop(self._others))

    def _throw_away_stale(self) -> None:
        for lines in (self._own, self._free):
            for script in list(lines):
                lines[script] = [ticket for ticket in lines[script] if self._is_current(ticket)]
                if not lines[script]:
                    del lines[script]
        self._others = [ticket for ticket in self._others if self._is_current(ticket)]
        for heap in (*self._own.values(), self._others):
            heapq.heapify(heap)
        self._kept = sum(map(len, (*self._own.values(), *self._free.values(), self._others)))

    def _own_heads(self) -> list[Ticket]:
        """Give the first run of each Script among this runner's own."""
        heads = {script: self._head(heap) for script, heap in self._own.items()}
        for script in [script for script, head in heads.items() if head is None]:
            del self._own[script]
        return [head for head in heads.values() if head]

    def _head(self, heap: list[Ticket]) -> Ticket | None:
        while heap and not self._is_current(heap[0]):
            heapq.heappop(heap)
            self._kept -= 1
        return heap[0] if heap else None

    def _is_current(self, ticket: Ticket) -> bool:
        return self._tickets.get(ticket.uid) is ticket


def _draw_out(items: list[_Item], draw: Callable[[int], int]) -> _Item:
    """Take an item out by lot; the order of the others changes."""
    chosen = draw(len(items))
    items[chosen], items[-1] = items[-1], items[chosen]
    return items.pop()
