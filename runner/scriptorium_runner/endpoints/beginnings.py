"""The runs that began a moment ago and have not ended: those that compute, as far as anybody knows. Pure."""

from itertools import count


class Beginnings:
    """Remembers who began, for `seconds` each; the time is told, and never goes back."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._numbers = count()
        #: Oldest first.
        self._ends: dict[int, float] = {}

    def begin(self, now: float) -> int:
        """Note that somebody begins; gives what `end` is told."""
        number = next(self._numbers)
        self._ends[number] = now + self._seconds
        return number

    def end(self, number: int) -> None:
        """Note that somebody ended, however long ago that one began."""
        self._ends.pop(number, None)

    def count(self, now: float) -> int:
        """Say how many began a moment ago."""
        while (end := self.find_next_end()) is not None and end <= now:
            del self._ends[next(iter(self._ends))]
        return len(self._ends)

    def find_next_end(self) -> float | None:
        """Give when there will be one fewer, if nobody ends before; None where there is none."""
        return next(iter(self._ends.values()), None)
