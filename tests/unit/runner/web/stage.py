"""The internal listener on this machine's loopback, with an API server that says what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from scriptorium_api.execution import Holder, Requester
from scriptorium_runner.endpoints.invoke.invoking import Host, Invoking, Record
from scriptorium_runner.endpoints.invoke.ports import Admitted, ReviewFailed, Unknown, Verdict
from scriptorium_runner.endpoints.invoke.verdicts import Verdicts
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.ports import Sandbox
from scriptorium_runner.web.internal import InternalListener
from tests.unit.runner.executions.fakes import MemoryBoard

ADA = Requester(name="system:serviceaccount:shop:ada", uid="ada-uid")
TOKEN = "ada.token.signature"  # noqa: S105 - known to tests alone.


@dataclass
class FakeReviewer:
    """Knows the tokens that a test names."""

    verdicts: dict[str, Verdict] = field(default_factory=lambda: {TOKEN: Admitted(ADA)})
    failure: ReviewFailed | None = None
    asked: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def review(self, token: str) -> Verdict:
        self.asked.append(token)
        if self.hold is not None:
            await self.hold.wait()
        if self.failure is not None:
            raise self.failure
        return self.verdicts.get(token, Unknown())


@dataclass
class Told:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Stage:
    """A listener, and short ways to call it."""

    listener: InternalListener
    session: aiohttp.ClientSession
    reviewer: FakeReviewer
    board: MemoryBoard
    records: list[Record]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.listener.port}"

    async def call(self, script: str = "hello", query: str = "", **options: Any) -> Told:
        """Invoke a Script as Ada does."""
        options = {"headers": {"Authorization": f"Bearer {TOKEN}"}} | options
        url = f"{self.address}/v1/scripts/{script}/invoke{query}"
        async with self.session.post(url, **options) as answer:
            return Told(answer.status, answer.headers, await answer.json(content_type=None))

    async def send(self, *pieces: bytes) -> bytes:
        """Send bytes as they are, and give all that comes back until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()


@asynccontextmanager
async def open_stage(
    sandbox: Sandbox,
    board: MemoryBoard | None = None,
    *,
    is_enabled: bool = True,
    is_ready: Callable[[], bool] = lambda: True,
) -> AsyncIterator[Stage]:
    """Serve these Scripts until the end of the test."""
    board, reviewer, records = board or MemoryBoard(), FakeReviewer(), list[Record]()
    host = Host(
        namespace="team",
        holder=Holder(pod="me", uid="uid-me", start_id="1"),
        tenant=Tenant(id="t", name="team"),
        is_enabled=is_enabled,
        is_ready=is_ready,
    )
    verdicts = Verdicts(reviewer, asyncio.get_running_loop().time)
    listener = InternalListener(Invoking(host, board, sandbox, verdicts, records.append))
    await listener.start(0, "127.0.0.1")
    try:
        async with aiohttp.ClientSession() as session:
            yield Stage(listener, session, reviewer, board, records)
    finally:
        await listener.drain(0, 0)
