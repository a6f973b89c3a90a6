"""The worker's own memory, as the kernel sees it."""

import resource


class PeakMemory:
    """The highest resident size since the supervisor's meter was reset, if there is one; see `meter`."""

    def __init__(self, *, is_known: bool) -> None:
        self.is_known = is_known
        self._first_kb = self._read()

    def read_kb(self) -> int | None:
        """Say the peak in KiB."""
        return self._read() if self.is_known else None

    def has_grown_by(self, size: int) -> bool:
        """Say whether this process was at its peak larger by so many bytes than before its first script."""
        return (self._read() - self._first_kb) * 1024 >= size

    def _read(self) -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
