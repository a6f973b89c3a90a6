"""The engine's memory as it was at one moment, put back in the time of a copy; only the rebuilt engine can.

The other side is engine_build/snapshot.c. Whoever restores must hold nothing of the engine that was not held
when the snapshot was taken: a value that is let go afterwards would be taken off a count that is not its own.
"""

import ctypes

from scriptorium_runner.engine.inside import native

#: Four times what our prelude takes with the engine's own objects.
_ROOM_BYTES = 1024 * 1024


class Snapshot:
    """The only one of a process: what the engine allocates between `open` and `take` is in it."""

    def __init__(self, library: str = native.LIBRARY) -> None:
        found = ctypes.CDLL(library)
        self.is_there = hasattr(found, "scriptorium_snapshot_open")
        if self.is_there:
            self._open, self._take = found.scriptorium_snapshot_open, found.scriptorium_snapshot_take
            self._open.argtypes, self._take.restype = [ctypes.c_size_t], ctypes.c_size_t
            self._restore = found.scriptorium_snapshot_restore
            self._restore.restype = None

    def open(self) -> bool:
        """Have what is allocated from now on in the snapshot; False where there can be none."""
        return self.is_there and bool(self._open(_ROOM_BYTES))

    def take(self) -> bool:
        """Keep the engine's memory as it is now; False if it could not be kept."""
        return bool(self._take())

    def restore(self) -> None:
        """Have the engine's memory as it was."""
        self._restore()
