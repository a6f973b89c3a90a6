"""Room for requests: so many run, so many wait for a while, and the rest hears at once that there is none.

Only a few begin at once. A script that is over within milliseconds is the faster the fewer others compute
beside it: each has a process, and a process that was just used finds its memory in the processor's caches.
Whoever does not end within a moment makes way, since it may be waiting for an answer from elsewhere.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import field

from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.beginnings import Beginnings
from scriptorium_runner.endpoints.lines import Lines, Turn

#: A script that is not over by then computes for long, or waits: others begin beside it.
MOMENT_SECONDS = 0.004


class NoRoomNow(Exception):
    """Nothing runs of this request, now or soon."""


@frozen(kw_only=True)
class RoomSettings:
    """How much room there is."""

    slots: int
    """Requests that run at once."""
    beginners: int = field(default_factory=lambda: len(os.sched_getaffinity(0)) + 1)
    """Of these so many that began a moment ago: each processor has one, and one is on its way."""
    queue: int = 512
    """Requests that wait, as long as the runner gets through them in time."""
    seconds: float = 2.0
    """How long each waits."""

    @property
    def short_queue(self) -> int:
        """Give how many wait after somebody waited in vain: those before them take long, as is known now."""
        return min(self.queue, 2 * self.slots)


class Room:
    """The requests that run, and those that wait to."""

    def __init__(self, settings: RoomSettings, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._lines = Lines(settings.seconds, self._disappoint)
        self._beginnings = Beginnings(MOMENT_SECONDS)
        self._next_look: asyncio.TimerHandle | None = None
        self._short_until = float("-inf")
        self.inside = 0

    @property
    def waiting(self) -> int:
        """Give how many wait."""
        return len(self._lines)

    def enter(self, share: str) -> "_Stay":
        """Have room within, by `async with`; raises NoRoomNow, at once where nobody can wait."""
        return _Stay(self, share)

    async def take(self, share: str) -> int:
        """Take a place, and give its number, which `leave` is told; raises NoRoomNow."""
        if not self._lines and self._has_place():
            return self._begin()
        if len(self._lines) >= self._find_bound():
            raise NoRoomNow
        turn = self._lines.join(share)
        self._look_in_time()
        try:
            return await turn
        except asyncio.CancelledError:
            self._give_up(share, turn)
            raise

    def leave(self, number: int) -> None:
        """Give a place back, to the next who waits."""
        self.inside -= 1
        self._beginnings.end(number)
        self._admit()

    def _has_place(self) -> bool:
        settings = self._settings
        return self.inside < settings.slots and self._beginnings.count(self._clock()) < settings.beginners

    def _begin(self) -> int:
        self.inside += 1
        return self._beginnings.begin(self._clock())

    def _admit(self) -> None:
        while self._lines and self._has_place():
            turn = self._lines.pop()
            # Else it was cancelled in this very moment.
            if not turn.done():
                turn.set_result(self._begin())
        self._look_in_time()

    def _look_in_time(self) -> None:
        """Admit those who wait for nothing but that others have begun, as soon as these have."""
        if self._next_look is not None or not self._lines or self.inside >= self._settings.slots:
            return
        at = self._beginnings.find_next_end()
        if at is not None:
            seconds = max(0.0, at - self._clock())
            self._next_look = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._next_look = None
        self._admit()

    def _disappoint(self, turn: Turn) -> None:
        """Tell somebody that the wait was in vain."""
        self._short_until = self._clock() + self._settings.seconds
        turn.set_exception(NoRoomNow())

    def _find_bound(self) -> int:
        is_short = self._clock() < self._short_until
        return self._settings.short_queue if is_short else self._settings.queue

    def _give_up(self, share: str, turn: Turn) -> None:
        """Take somebody out who went away; whose turn had just come gives it to the next."""
        if turn.cancelled():
            self._lines.leave(share, turn)
        elif turn.exception() is None:
            self.leave(turn.result())


class _Stay:
    """A place within, from `async with` to its end: made for each request, and so as small as it can be."""

    __slots__ = ("_number", "_room", "_share")

    def __init__(self, room: Room, share: str) -> None:
        self._room, self._share, self._number = room, share, -1

    async def __aenter__(self) -> None:
        self._number = await self._room.take(self._share)

    async def __aexit__(self, *_: object) -> None:
        self._room.leave(self._number)
