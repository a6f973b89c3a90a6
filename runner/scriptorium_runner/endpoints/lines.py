"""Those who wait for their turn: Script by Script, so that a flood to one does not make another's wait."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

#: What somebody waits for: the number of a place.
Turn = asyncio.Future[int]


class Lines:
    """A line for each Script, and a time at which each wait ends."""

    def __init__(self, seconds: float, on_end: Callable[[Turn], None]) -> None:
        """`on_end` hears whose wait ended after so many seconds; nobody waits for that turn any more."""
        self._seconds, self._on_end = seconds, on_end
        self._lines: OrderedDict[str, deque[Turn]] = OrderedDict()
        self._count = 0
        #: Until when each waits who began to, by the loop's clock: all wait alike, so the first goes first.
        self._ends: deque[tuple[float, str, Turn]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Give how many wait."""
        return self._count

    def join(self, share: str) -> Turn:
        """Wait behind the others of a Script."""
        loop = asyncio.get_running_loop()
        turn: Turn = loop.create_future()
        self._lines.setdefault(share, deque()).append(turn)
        self._count += 1
        self._ends.append((loop.time() + self._seconds, share, turn))
        self._end_in_time()
        return turn

    def leave(self, share: str, turn: Turn) -> None:
        """Wait no more; nothing happens where nobody waits any more."""
        line = self._lines.get(share)
        if line is None or turn not in line:
            return
        line.remove(turn)
        self._count -= 1
        if not line:
            del self._lines[share]

    def pop(self) -> Turn:
        """Take out whose turn it is; there must be somebody."""
        share, line = self._lines.popitem(last=False)
        turn = line.popleft()
        if line:
            self._lines[share] = line
        self._count -= 1
        return turn

    def _end_in_time(self) -> None:
        """Have waits end by one timer for all: under load nearly everybody waits."""
        if self._timer is None and self._ends:
            self._timer = asyncio.get_running_loop().call_at(self._ends[0][0], self._end_waits)

    def _end_waits(self) -> None:
        self._timer, now = None, asyncio.get_running_loop().time()
        while self._ends and (self._ends[0][2].done() or self._ends[0][0] <= now):
            _, share, turn = self._ends.popleft()
            if not turn.done():
                self.leave(share, turn)
                self._on_end(turn)
        self._end_in_time()
