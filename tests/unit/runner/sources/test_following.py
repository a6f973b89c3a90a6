"""What a runner knows before it judges: no real API server answers its lists in an order of our choice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from scriptorium_api.reasons import Reason
from scriptorium_client import Client
from scriptorium_client.client import Manifest
from scriptorium_client.resources import EXECUTIONS, SCRIPTS, Resource
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.handling import Place
from scriptorium_runner.executions.rescue import Rescuer
from scriptorium_runner.pool import OtherRunners, Parts, run_parts
from scriptorium_runner.schedules.ticker import Standing, Ticker
from scriptorium_runner.sources.calendar import ClusterCalendar
from scriptorium_runner.sources.cluster import ClusterBoard
from scriptorium_runner.sources.following import Followers, Listeners
from scriptorium_runner.sources.leases import Leases
from tests.support.makers import make_execution, make_script
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import ME, MemoryBoard, ObedientSandbox

OVERDUE = datetime.now(UTC) - timedelta(seconds=300)


class SlowServer:
    """Lists everything at once but the Scripts, which come when the test says so."""

    def __init__(self, execution: Manifest) -> None:
        self._execution = execution
        self.scripts_answer = asyncio.Event()
        self.listed: list[str] = []

    async def list_pages(
        self, resource: Resource, *_: Any, **__: Any
    ) -> AsyncIterator[tuple[list[Manifest], str]]:
        if resource is SCRIPTS:
            await self.scripts_answer.wait()
        found = {SCRIPTS: make_script().to_wire(), EXECUTIONS: self._execution}.get(resource)
        self.listed.append(resource.plural)
        yield ([found] if found else []), "1"

    async def apply(self, *_: Any) -> None:
        """The runner's own lease."""

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[Manifest]:
        await asyncio.Event().wait()
        yield {}


async def test_an_overdue_run_is_not_ended_for_a_script_that_is_only_not_yet_known() -> None:
    execution = make_execution(created=OVERDUE)
    server = SlowServer(execution.to_wire())
    board = MemoryBoard(scripts={}, runs={"run-1": execution})
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=1)
    dispatcher = Dispatcher(board, ObedientSandbox(), place)
    scripts = ClusterBoard(cast("Client", server), "team")
    leases = Leases(cast("Client", server), "team", "default", ME)
    rescuer = Rescuer(board, ME, OtherRunners(leases, dispatcher))
    ticker = Ticker(ClusterCalendar(cast("Client", server), "team"), Standing(rank=lambda _: 0))
    listeners = Listeners(board=scripts, dispatcher=dispatcher, rescuer=rescuer, ticker=ticker)
    followers = Followers(cast("Client", server), "team", listeners)
    renewing = asyncio.create_task(leases.renew())
    task = asyncio.create_task(run_parts(Parts(followers, dispatcher, rescuer, leases, ticker), "default"))
    await until_async(lambda: len(server.listed) == 4)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not followers.is_synced
    assert board.writes == []
    board.scripts["hello"] = make_script()
    server.scripts_answer.set()
    await until_async(lambda: board.runs["run-1"].status.phase.is_terminal)
    assert board.runs["run-1"].status.reason is Reason.START_DEADLINE_EXCEEDED
    for each in (task, renewing):
        each.cancel()
    await asyncio.gather(task, renewing, return_exceptions=True)
