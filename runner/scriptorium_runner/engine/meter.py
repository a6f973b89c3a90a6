"""The peak of a worker's memory, set back by the supervisor before each run.

The kernel does that for who writes to the process' clear_refs. A sealed worker cannot open the file and may
not keep it, and its files in /proc are not the supervisor's. So it opens the file before it is sealed and
hands it over, ahead of the first frame on its channel.
"""

import asyncio
import contextlib
import os
import socket

from scriptorium_runner.engine.errors import WorkerLost

_HANDOVER = b"M"
#: "Reset the peak resident set size" in proc(5).
_RESET = b"5"


def hand_over(channel: socket.socket) -> bool:
    """Send this process' clear_refs to the supervisor; say whether the kernel has it and takes the reset."""
    try:
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        channel.sendall(_HANDOVER)
        return False
    try:
        is_known = _can_reset(descriptor)
        socket.send_fds(channel, [_HANDOVER], [descriptor] if is_known else [])
        return is_known
    finally:
        os.close(descriptor)


def _can_reset(descriptor: int) -> bool:
    try:
        os.pwrite(descriptor, _RESET, 0)
    except OSError:
        return False
    return True


class Meter:
    """The supervisor's hold on the peak of one worker; does nothing where there is none."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    @classmethod
    async def receive(cls, channel: socket.socket) -> "Meter":
        """Take what `hand_over` sends."""
        while True:
            with contextlib.suppress(BlockingIOError):
                message, descriptors, flags, _ = socket.recv_fds(channel, len(_HANDOVER), 1)
                if flags & socket.MSG_CTRUNC:
                    raise WorkerLost("the supervisor has no descriptor left")
                if message != _HANDOVER:
                    raise WorkerLost("the worker's channel ended")
                return cls(descriptors)
            await _wait_until_readable(channel)

    @property
    def is_known(self) -> bool:
        """Say whether there is one."""
        return bool(self._descriptors)

    def reset(self) -> None:
        """Let the peak be what the worker has now."""
        for descriptor in self._descriptors:
            # A process that has ended has no memory.
            with contextlib.suppress(ProcessLookupError):
                os.pwrite(descriptor, _RESET, 0)

    def close(self) -> None:
        """Give the descriptor back."""
        while self._descriptors:
            os.close(self._descriptors.pop())


async def _wait_until_readable(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(channel, lambda: None if readable.done() else readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(channel)
