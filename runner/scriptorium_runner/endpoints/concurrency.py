"""How many requests of an Endpoint are worked on at a time: others wait in line, or are sent away."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from scriptorium_api.endpoints.traffic import Concurrency
from scriptorium_api.values import frozen

#: How much the last request tells about how long the next ones take.
_WEIGHT = 0.2

#: Nobody is sent away for longer: by then much may have changed.
MAX_RETRY_AFTER = 60


class Full(Exception):
    """There is no room, neither to work nor to wait."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"no room; try again in {retry_after} s")
        self.retry_after = retry_after


@frozen
class Room:
    """What one runner has of an Endpoint's concurrency."""

    most: int
    waiting: int

    @classmethod
    def divide(cls, concurrency: Concurrency, share: int) -> "Room":
        """Give the part of one of `share` runners.

        Together they work on no more than is said, but for one each; a line of any length is one
        everywhere.
        """
        runners = max(share, 1)
        return cls(max(concurrency.max // runners, 1), math.ceil(concurrency.queue / runners))


class Gate:
    """Lets through so many at a time, first come first served.

    The room can change at any moment: who is inside or waits stays there, and more come in only as the new
    room allows.
    """

    def __init__(self, room: Room, clock: Callable[[], float]) -> None:
        self._room = room
        self._clock = clock
        self._inside = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._usual_seconds = 0.0

    @property
    def inside(self) -> int:
        """Give how many are worked on."""
        return self._inside

    @property
    def waiting(self) -> int:
        """Give how many wait."""
        return len(self._line)

    def change(self, room: Room) -> None:
        """Take another size from now on."""
        self._room = room
        self._let_in()

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Wait for a place and hold it; raises Full at once if there is none, even to wait."""
        await self._come_in()
        since = self._clock()
        try:
            yield
        finally:
            self._learn(self._clock() - since)
            self._go_out()

    async def _come_in(self) -> None:
        if self._inside < self._room.most and not self._line:
            self._inside += 1
            return
        if len(self._line) >= self._room.waiting:
            raise Full(self._tell_retry_after())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place came in the moment in which its caller went away.
                self._go_out()
            elif turn in self._line:
                self._line.remove(turn)
            raise

    def _go_out(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._line and self._inside < self._room.most:
            turn = self._line.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def _learn(self, seconds: float) -> None:
        known = self._usual_seconds or seconds
        self._usual_seconds = known + _WEIGHT * (seconds - known)

    def _tell_retry_after(self) -> int:
        """Estimate when there is room: by what those before one in line will take."""
        seconds = self._usual_seconds * (len(self._line) + 1) / self._room.most
        return min(max(math.ceil(seconds), 1), MAX_RETRY_AFTER)
