"""How many workers were needed at once lately. Pure: the time is told."""

from collections import deque


class Demand:
    """The highest demand of the last `window` seconds; a demand lasts until the next one is noted."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._now_needed = 0
        #: (until when, how many), later and smaller ones behind: no longer than the highest demand.
        self._peaks: deque[tuple[float, int]] = deque()

    def note(self, now: float, needed: int) -> None:
        """Tell how many are needed from now on."""
        while self._peaks and self._peaks[-1][1] <= self._now_needed:
            self._peaks.pop()
        self._peaks.append((now, self._now_needed))
        self._now_needed = needed
        self._forget(now)

    def find_level(self, now: float) -> int:
        """Give the highest demand since `window` seconds ago."""
        self._forget(now)
        return max(self._now_needed, self._peaks[0][1] if self._peaks else 0)

    def find_next_fall(self) -> float | None:
        """Give when the level falls if nothing more is noted, or None if it does not."""
        if not self._peaks or self._peaks[0][1] <= self._now_needed:
            return None
        return self._peaks[0][0] + self._window

    def _forget(self, now: float) -> None:
        while self._peaks and self._peaks[0][0] + self._window <= now:
            self._peaks.popleft()
