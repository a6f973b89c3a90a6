"""A wire to the API server that a test can cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Wire:
    """Carries TCP connections from a port of this machine to the API server, unless it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.is_cut = False
        self.refused = 0
        """Connections that were tried while the wire was cut."""

    @property
    def is_used(self) -> bool:
        """Say whether it carries a connection at this moment."""
        return bool(self._open)

    async def start(self) -> int:
        """Listen on loopback; give the port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close everything, also a connection that is just being made."""
        if self._server:
            self._server.close()
        self.cut()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        if self._server:
            await self._server.wait_closed()

    def cut(self) -> None:
        """End all connections, and every new one at once."""
        self.is_cut = True
        for writer in list(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        """Carry connections again."""
        self.is_cut, self.refused = False, 0

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._carrying.add(task)
        # It is cancelled by `stop` alone; the server would complain of a task that ended so.
        with contextlib.suppress(asyncio.CancelledError):
            async with self._closing(writer):
                await self._connect(reader, writer)
        self._carrying.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            self.refused += 1
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        async with self._closing(far_writer):
            # It may have been cut while the far end was being reached.
            if not self.is_cut:
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    @contextlib.asynccontextmanager
    async def _closing(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        """Have the connection closed for sure at the end, its socket with it."""
        self._open.add(writer)
        try:
            yield
        finally:
            self._open.discard(writer)
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(ConnectionError, RuntimeError):
        writer.close()
