"""Manifests served as `scriptorium dev` serves them, within the test's own process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from scriptorium_runner.dev.doorstep import Doorstep
from scriptorium_runner.endpoints.endings import Ended
from scriptorium_runner.engine import Engine
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.front import Means, open_key_sets
from scriptorium_runner.history.database import HistoryError
from scriptorium_runner.history.requests import RequestHistory
from scriptorium_runner.host.http import HttpSettings
from scriptorium_runner.sources import manifests
from scriptorium_runner.sources.files import FileBoard
from tests.support import replies
from tests.support.replies import Reply


@dataclass
class House:
    """A session that serves."""

    port: int
    folder: Path
    board: FileBoard
    doorstep: Doorstep
    session: aiohttp.ClientSession
    history: RequestHistory
    ended: list[Ended] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Give what pages of this house have as their origin."""
        return f"http://127.0.0.1:{self.port}"

    async def ask(self, path: str, method: str = "GET", **options: Any) -> Reply:
        """Send a request, and give the answer."""
        url = f"{self.origin}{path}"
        async with self.session.request(method, url, allow_redirects=False, **options) as found:
            return await replies.read_reply(found)

    async def put(self, text: str) -> None:
        """Have the manifests be these."""
        file = self.folder / "manifests.yaml"
        file.write_text(text)
        loaded = manifests.load([file])
        assert not loaded.problems, loaded.problems
        self.board.take(loaded)
        await self.doorstep.take(0)


@contextlib.asynccontextmanager
async def living(engine: Engine, folder: Path, text: str) -> AsyncIterator[House]:
    """Serve manifests."""

    def fail(error: HistoryError) -> None:
        raise AssertionError(error)

    board, ended = FileBoard(), list[Ended]()
    file = folder / "manifests.yaml"
    file.write_text(text)
    loaded = manifests.load([file])
    assert not loaded.problems, loaded.problems
    board.take(loaded)
    sandbox = EngineSandbox(engine)
    async with open_key_sets(HttpSettings()) as key_sets, aiohttp.ClientSession() as session:
        means = Means(board=board, engine=engine, sandbox=sandbox, key_sets=key_sets)
        with RequestHistory(folder / "state", fail) as history:
            doorstep = Doorstep(means, Tenant(id="t-1", name="default"), 2, history, ended.append)
            port = await doorstep.take(0)
            assert port is not None
            try:
                yield House(port, folder, board, doorstep, session, history, ended)
            finally:
                await doorstep.close()
