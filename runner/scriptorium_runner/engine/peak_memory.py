"""The worker's own memory, as the kernel sees it."""

import os
import resource


class PeakMemory:
    """The highest resident size since `reset`, if the kernel lets a process reset it.

    The file is opened once: writing to an open descriptor is all that a sealed process needs.
    """

    def __init__(self) -> None:
        self.is_known = False
        try:
            self._descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
            os.pwrite(self._descriptor, b"5", 0)
            self.is_known = True
        except OSError:
            self.is_known = False
        self._first_kb = self._read()

    def reset(self) -> None:
        """Start anew; 5 is "reset the peak resident set size" in proc(5)."""
        if self.is_known:
            os.pwrite(self._descriptor, b"5", 0)

    def read_kb(self) -> int | None:
        """Say the peak in KiB."""
        return self._read() if self.is_known else None

    def has_grown_by(self, size: int) -> bool:
        """Say whether this process was at its peak larger by so many bytes than before its first script."""
        return (self._read() - self._first_kb) * 1024 >= size

    def _read(self) -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
