"""What comes out of a worker's channel, as it is asked for."""

import asyncio
import socket

_RECEIVE_BYTES = 64 * 1024


class Ear:
    """Listens to one channel; `close` must be called before the channel is closed.

    The loop watches the channel from the first question on, over all runs: to begin and to end that with each
    costs more than to read. It ends when something comes that nobody asked for, so whoever talks without end
    wakes nobody twice, and what it says stays with it.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._asked: asyncio.Future[bytes] | None = None
        #: Whether the loop watches the channel.
        self.is_watching = False

    async def receive(self) -> bytes:
        """Wait for bytes; none if the channel ended. Raises OSError."""
        self._asked = self._loop.create_future()
        if not self.is_watching:
            self.is_watching = True
            self._loop.add_reader(self._channel, self._hear)
        return await self._asked

    def close(self) -> None:
        """Listen no more."""
        if self.is_watching:
            self.is_watching = False
            self._loop.remove_reader(self._channel)

    def _hear(self) -> None:
        asked = self._asked
        if asked is None or asked.done():
            self.close()
            return
        try:
            asked.set_result(self._channel.recv(_RECEIVE_BYTES))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            asked.set_exception(error)
