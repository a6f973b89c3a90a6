"""Endpoints in memory, served by a real engine behind a real port of this machine's loopback."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from scriptorium_api.address_ranges import Network
from scriptorium_api.cron_script import CronScript
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.script import Script
from scriptorium_runner.endpoints.doors import Outside
from scriptorium_runner.endpoints.endings import Ended
from scriptorium_runner.endpoints.listening import Patience, PublicSettings
from scriptorium_runner.endpoints.live import Live, Terms
from scriptorium_runner.endpoints.room import Room, RoomSettings
from scriptorium_runner.endpoints.serving import Serving
from scriptorium_runner.engine import Engine
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import Source, Values
from scriptorium_runner.executions.sandbox import EngineSandbox, WayOut
from scriptorium_runner.web.public import PublicServer
from tests.support import replies
from tests.support.callers import FixedSecrets
from tests.support.endpoints import make_endpoint
from tests.support.makers import make_script
from tests.support.replies import Reply

HELLO = "return `hello ${request.params.name ?? 'world'}`"


@dataclass
class EndpointsBoard:
    """Endpoints, Scripts and Secrets in memory."""

    endpoints: list[Endpoint] = field(default_factory=list)
    scripts: dict[str, Script] = field(default_factory=dict)
    secrets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    values: Values = field(default_factory=Values)
    sources: dict[str, Source] = field(default_factory=dict)
    """What Scripts have instead of the source that their spec says."""
    values_state: int = 0

    def list_endpoints(self) -> Sequence[Endpoint]:
        return self.endpoints

    def open_secrets(self, namespace: str) -> FixedSecrets:
        return FixedSecrets(**self.secrets)

    def find_values_state(self) -> object:
        return self.values_state

    def find_script(self, namespace: str, name: str) -> Script | None:
        return self.scripts.get(name)

    def find_cron_script(self, namespace: str, name: str) -> CronScript | None:
        return None

    async def read_source(self, script: Script) -> Source:
        return self.sources.get(script.metadata.name, Source(script.spec.source))

    def read_values(self, script: Script) -> Values:
        return self.values

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        raise NotImplementedError

    async def list_with_key(self, namespace: str, key: str) -> list[ScriptExecution]:
        raise NotImplementedError

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        raise NotImplementedError

    def put(self, source: str, name: str = "hello", **spec: Any) -> None:
        """Have a Script, as of now."""
        self.scripts[name] = make_script(name, source=source, **spec)


@dataclass
class Site:
    """A runner that serves."""

    port: int
    board: EndpointsBoard
    live: Live
    serving: Serving
    server: PublicServer
    session: aiohttp.ClientSession
    ended: list[Ended]

    def url(self, path: str = "/") -> str:
        """Give the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def ask(self, path: str = "/", method: str = "GET", **options: Any) -> Reply:
        """Send a request, and give the answer."""
        async with self.session.request(method, self.url(path), allow_redirects=False, **options) as found:
            return await replies.read_reply(found)

    async def change(self) -> None:
        """Have what the board holds served."""
        await self.live.refresh()


@dataclass(frozen=True)
class SiteOptions:
    """How a runner of a test serves."""

    slots: int = 3
    queue: int = 512
    seconds: float = 20.0
    proxies: tuple[Network, ...] = ()
    patience: Patience = field(default_factory=Patience)
    connections: int = 2048
    is_enabled: bool = True
    way_out: WayOut | None = None


@contextlib.asynccontextmanager
async def serving(
    engine: Engine,
    *endpoints: Endpoint,
    source: str = HELLO,
    options: SiteOptions | None = None,
    board: EndpointsBoard | None = None,
) -> AsyncIterator[Site]:
    """Serve Endpoints, of which most name the Script hello."""
    found = options or SiteOptions()
    board = board or EndpointsBoard()
    board.endpoints = list(endpoints) or [make_endpoint("root", "/")]
    board.scripts.setdefault("hello", make_script(source=source))
    sandbox = EngineSandbox(engine, http=found.way_out)
    tenant = Tenant(id="t-1", name="team")
    live = Live(board, sandbox, engine, Terms(tenant=tenant, is_enabled=found.is_enabled))
    await live.refresh()
    room = Room(RoomSettings(slots=found.slots, queue=found.queue, seconds=found.seconds), time.monotonic)
    ended: list[Ended] = []
    outside = Outside(sandbox=sandbox, board=board, room=room, held=engine.held)
    answering = Serving(lambda: live.table, outside, lambda: live.runners, [ended.append])
    settings = PublicSettings(
        port=0,
        host="127.0.0.1",
        proxies=found.proxies,
        patience=found.patience,
        most_connections=found.connections,
    )
    server = PublicServer(answering, settings)
    port = await server.start()
    following = asyncio.create_task(live.run())
    try:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            yield Site(port, board, live, answering, server, session, ended)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await server.stop()
