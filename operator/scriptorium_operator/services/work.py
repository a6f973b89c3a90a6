"""What is to be brought up to date: one worker at a time an object, and once more if it changed meanwhile."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import StrEnum

from scriptorium_operator.errors import ClusterUnavailable, OperatorError, Vanished
from scriptorium_operator.facts import Key, Kind, Load

log = logging.getLogger(__name__)

#: The first pause after a failure in seconds; every further one doubles it.
_FIRST_PAUSE = 0.5

#: The longest pause after a failure of our own: such a thing seldom heals, and each time fills the log.
_LONGEST_PAUSE_OF_BUGS = 300.0

#: Brings an object up to date; gives after how many seconds it is to be looked at again, if nothing changes.
Handle = Callable[[Key], Awaitable[float | None]]


class Outcome(StrEnum):
    """How an attempt to bring an object up to date ended."""

    DONE = "done"
    GONE = "gone"
    POSTPONED = "postponed"
    BUG = "bug"


Tell = Callable[[Kind, Outcome], None]


class Work:
    """A queue of keys: adding one that waits already changes nothing."""

    def __init__(self, jitter: Callable[[], float], tell: Tell = lambda _kind, _outcome: None) -> None:
        self._jitter, self._tell = jitter, tell
        self._queue: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: Counter[Key] = Counter()
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    @property
    def load(self) -> Load:
        """Give what the queue holds at this moment."""
        return Load(waiting=len(self._waiting), busy=len(self._busy), failing=len(self._failures))

    def add(self, key: Key) -> None:
        """Ask for the object to be brought up to date."""
        if key in self._busy:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._queue.put_nowait(key)

    async def work_off(self, handle: Handle) -> None:
        """Handle one key after the other, for ever."""
        while True:
            key = await self._queue.get()
            self._waiting.discard(key)
            self._busy.add(key)
            try:
                self._tell(key.kind, await self._attempt(handle, key))
            finally:
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    async def _attempt(self, handle: Handle, key: Key) -> Outcome:
        outcome, seconds = Outcome.DONE, None
        try:
            seconds = await handle(key)
        except Vanished:
            log.info("gone before it was up to date", extra=_fields(key))
            outcome = Outcome.GONE
        except OperatorError as error:
            pause = self._postpone(key, error.longest_pause, error)
            log.warning("not up to date yet", extra=_fields(key) | {"error": str(error), "pause": pause})
            return Outcome.POSTPONED
        except Exception as error:
            pause = self._postpone(key, _LONGEST_PAUSE_OF_BUGS, error)
            log.exception("a bug of the operator", extra=_fields(key) | {"pause": pause})
            return Outcome.BUG
        self._failures.pop(key, None)
        self._set_timer(key, seconds)
        return outcome

    def _postpone(self, key: Key, longest: float, error: Exception) -> float:
        asked = (error.retry_after or 0.0) if isinstance(error, ClusterUnavailable) else 0.0
        pause = compute_pause(self._failures[key], longest, self._jitter())
        self._failures[key] += 1
        self._set_timer(key, max(pause, asked))
        return round(max(pause, asked), 3)

    def _set_timer(self, key: Key, pause: float | None) -> None:
        """Let a key wait for one timer at most, else each change of a failing object would add one."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if pause is not None:
            self._timers[key] = asyncio.get_running_loop().call_later(pause, self.add, key)


def compute_pause(failures: int, longest: float, jitter: float) -> float:
    """Give the pause in seconds after so many failures; a jitter from 0 to 1 takes up to half of it away."""
    return float(min(longest, _FIRST_PAUSE * 2 ** min(failures, 16)) * (1 - jitter / 2))


def _fields(key: Key) -> dict[str, str]:
    return {"kind": key.kind.value, "namespace": key.namespace, "object": key.name}
