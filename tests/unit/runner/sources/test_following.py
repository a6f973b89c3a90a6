"""What a runner knows before it judges: no real API server answers its lists in an order of our choice."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from scriptorium_api.reasons import Phase, Reason
from scriptorium_client import Client, Selection
from scriptorium_client.client import Manifest
from scriptorium_client.resources import CONFIG_MAPS, CRON_SCRIPTS, ENDPOINTS, EXECUTIONS, SCRIPTS, Resource
from scriptorium_runner.endpoints.live import Live
from scriptorium_runner.executions import handling
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
from tests.support.endpoints import make_endpoint
from tests.support.makers import NOW, make_execution, make_script
from tests.support.waiting import until_async
from tests.unit.runner.executions.fakes import ME, MemoryBoard, ObedientSandbox
from tests.unit.runner.schedules.fakes import MemoryCalendar, make_cron_script


class TellingServer:
    """Lists nothing, and then tells what the test has it tell."""

    def __init__(self) -> None:
        self._told: dict[str, asyncio.Queue[Manifest]] = defaultdict(asyncio.Queue)

    async def list_pages(self, *_: Any, **__: Any) -> AsyncIterator[tuple[list[Manifest], str]]:
        yield [], "1"

    async def watch(self, selection: Selection, *_: Any) -> AsyncIterator[Manifest]:
        while True:
            yield await self._told[selection.resource.plural].get()

    def tell(self, resource: Resource, kind: str, item: Manifest, version: str | None = None) -> None:
        item = item | {"metadata": item["metadata"] | ({"resourceVersion": version} if version else {})}
        self._told[resource.plural].put_nowait({"type": kind, "object": item})


class HeardTicker(Ticker):
    """Remembers what it was told of runs."""

    def __init__(self) -> None:
        super().__init__(MemoryCalendar(), Standing(rank=lambda _: 0), now=lambda: NOW)
        self.heard: list[tuple[str, ...]] = []

    def note_run(self, uid: str, cron_script: str) -> None:
        self.heard.append((uid, cron_script))

    def note_end(self, uid: str) -> None:
        self.heard.append((uid,))


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


@asynccontextmanager
async def following(
    server: TellingServer, board: MemoryBoard, ticker: Ticker
) -> AsyncIterator[tuple[Followers, Dispatcher]]:
    """Follow CronScripts and runs, and take runs, until the end of the test."""
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=1)
    dispatcher = Dispatcher(board, ObedientSandbox(), place)
    client = cast("Client", server)
    rescuer = Rescuer(board, ME, OtherRunners(Leases(client, "team", "default", ME), dispatcher))
    listeners = Listeners(
        board=ClusterBoard(client, "team"), dispatcher=dispatcher, rescuer=rescuer, ticker=ticker
    )
    followers = Followers(client, "team", listeners)
    loops = (followers.follow_cron_scripts(), followers.follow_executions(), dispatcher.run())
    tasks = [asyncio.create_task(loop) for loop in loops]
    yield followers, dispatcher
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_run_that_waits_for_a_schedule_starts_when_it_appears(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handling, "GRACE_SECONDS", 0.0)
    run = make_execution(created=datetime.now(UTC), scriptRef=None, cronScriptRef={"name": "nightly"})
    server, board = TellingServer(), MemoryBoard(runs={"run-1": run})
    async with following(server, board, HeardTicker()):
        server.tell(EXECUTIONS, "ADDED", run.to_wire())
        await until_async(lambda: board.runs["run-1"].status.reason is Reason.SCRIPT_NOT_FOUND)
        board.cron_scripts["nightly"] = make_cron_script()
        server.tell(EXECUTIONS, "MODIFIED", board.runs["run-1"].to_wire())
        server.tell(CRON_SCRIPTS, "ADDED", board.cron_scripts["nightly"].to_wire())
        await until_async(lambda: board.runs["run-1"].status.phase is Phase.SUCCEEDED)


async def test_the_ticker_has_the_schedules_of_the_pool_and_no_others() -> None:
    server, ticker = TellingServer(), HeardTicker()
    async with following(server, MemoryBoard(), ticker):
        server.tell(CRON_SCRIPTS, "ADDED", make_cron_script("of-jobs", executor="Job").to_wire())
        for name in ("kept", "deleted", "unreadable"):
            server.tell(CRON_SCRIPTS, "ADDED", make_cron_script(name).to_wire())
        await until_async(lambda: len(ticker) == 3)
        server.tell(CRON_SCRIPTS, "DELETED", make_cron_script("deleted").to_wire())
        server.tell(CRON_SCRIPTS, "MODIFIED", make_cron_script("unreadable").to_wire() | {"spec": {}}, "2")
        await until_async(lambda: len(ticker) == 1)


async def test_the_ticker_hears_of_the_runs_of_schedules() -> None:
    server, ticker = TellingServer(), HeardTicker()
    fired = make_execution("fired", firedBy={"cronScript": "nightly"}, isolation="Pod")
    ended = fired.model_copy(update={"status": fired.status.model_copy(update={"phase": Phase.SUCCEEDED})})
    async with following(server, MemoryBoard(), ticker):
        server.tell(EXECUTIONS, "ADDED", make_execution("other", isolation="Pod").to_wire())
        for kind, run, version in (("ADDED", fired, "1"), ("MODIFIED", ended, "2"), ("DELETED", ended, "3")):
            server.tell(EXECUTIONS, kind, run.to_wire(), version)
        await until_async(lambda: len(ticker.heard) == 3)
    assert ticker.heard == [("fired", "nightly"), ("fired",), ("fired",)]


class HeardLive:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.changes = 0
        self.runners = 0

    def change(self) -> None:
        self.changes += 1

    def set_runners(self, count: int) -> None:
        self.runners = count


async def test_what_is_served_is_told_of_endpoints_scripts_and_sources() -> None:
    server, live = TellingServer(), HeardLive()
    client = cast("Client", server)
    board = ClusterBoard(client, "team")
    place = Place(holder=ME, tenant=Tenant(id="t", name="team"), slots=1)
    dispatcher = Dispatcher(MemoryBoard(), ObedientSandbox(), place)
    rescuer = Rescuer(MemoryBoard(), ME, OtherRunners(Leases(client, "team", "default", ME), dispatcher))
    listeners = Listeners(
        board=board, dispatcher=dispatcher, rescuer=rescuer, ticker=HeardTicker(), live=cast("Live", live)
    )
    followers = Followers(client, "team", listeners)
    loops = [followers.follow_endpoints(), followers.follow_scripts(), followers.follow_config_maps()]
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        server.tell(ENDPOINTS, "ADDED", make_endpoint("kept").to_wire(), "1")
        server.tell(ENDPOINTS, "ADDED", make_endpoint("deleted").to_wire(), "1")
        await until_async(lambda: len(board.list_endpoints()) == 2)
        server.tell(ENDPOINTS, "DELETED", make_endpoint("deleted").to_wire(), "2")
        unreadable = make_endpoint("kept").to_wire() | {"spec": {}}
        server.tell(ENDPOINTS, "MODIFIED", unreadable, "2")
        await until_async(lambda: live.changes == 4)
        assert board.list_endpoints() == []
        source = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}
        server.tell(SCRIPTS, "ADDED", make_script(**source).to_wire(), "1")
        await until_async(lambda: live.changes == 5)
        server.tell(
            CONFIG_MAPS, "ADDED", {"metadata": {"name": "code", "namespace": "team", "uid": "c"}}, "1"
        )
        await until_async(lambda: live.changes == 6)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
