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
from scriptorium_runner.engine.protocol import METER, RESET_PEAK


class Meter:
    """The supervisor's hold on the peak of one worker; does nothing where there is none."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    @classmethod
    async def receive(cls, channel: socket.socket) -> "Meter":
        """Take what a worker hands over."""
        while True:
            with contextlib.suppress(BlockingIOError):
                message, descriptors, flags, _ = socket.recv_fds(channel, len(METER), 1)
                if flags & socket.MSG_CTRUNC:
                    raise WorkerLost("the supervisor has no descriptor left")
                if message != METER:
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
                os.pwrite(descriptor, RESET_PEAK, 0)

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
