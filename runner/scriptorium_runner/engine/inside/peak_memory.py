"""The worker's own memory, as the kernel sees it."""

import os
import resource
import socket

from scriptorium_runner.engine.protocol import METER, RESET_PEAK


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


def hand_over(channel: socket.socket) -> bool:
    """Send this process' clear_refs to the supervisor; say whether the kernel has it and takes the reset."""
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        channel.sendall(METER)
        return False
    try:
        is_known = _can_reset(descriptor)
        socket.send_fds(channel, [METER], [descriptor] if is_known else [])
        return is_known
    finally:
        os.close(descriptor)


def _can_reset(descriptor: int) -> bool:
    try:
        os.pwrite(descriptor, RESET_PEAK, 0)
    except OSError:
        return False
    return True
