"""Following the namespace: what changed is told to the board and to the dispatcher."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import ValidationError

from scriptorium_api import names
from scriptorium_api.execution import Isolation, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.values import frozen
from scriptorium_client import ApiError, Client, Event, Selection, follow
from scriptorium_client.client import Manifest
from scriptorium_client.resources import CONFIG_MAPS, CRON_SCRIPTS, ENDPOINTS, EXECUTIONS, PODS, SCRIPTS
from scriptorium_runner.endpoints.live import Live
from scriptorium_runner.executions import decide
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.rescue import Rescuer
from scriptorium_runner.schedules.ticker import Ticker
from scriptorium_runner.sources.cluster import ClusterBoard
from scriptorium_runner.sources.reading import find_firing, is_open, is_ready, read_execution

log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Listeners:
    """Who is told of what changed."""

    board: ClusterBoard
    dispatcher: Dispatcher
    rescuer: Rescuer
    ticker: Ticker
    live: Live | None = None
    """What is served; None where nothing is."""


class Followers:
    """The loops that keep a runner's picture of its namespace; each runs until it is cancelled."""

    def __init__(self, client: Client, namespace: str, listeners: Listeners) -> None:
        self._client, self._namespace = client, namespace
        self._board, self._dispatcher = listeners.board, listeners.dispatcher
        self._rescuer, self._ticker = listeners.rescuer, listeners.ticker
        self._live = listeners.live
        self._synced = {
            resource.plural: asyncio.Event()
            for resource in (SCRIPTS, CRON_SCRIPTS, CONFIG_MAPS, PODS, EXECUTIONS)
        }
        #: Runs of the queue do not wait for these.
        self._has_endpoints = asyncio.Event()

    @property
    def is_synced(self) -> bool:
        """Say whether all that existed at the start is known."""
        return all(event.is_set() for event in self._synced.values())

    async def wait_until_synced(self) -> None:
        """Wait until all that existed at the start is known: nothing is judged by half a picture."""
        for event in self._synced.values():
            await event.wait()

    async def wait_until_served(self) -> None:
        """Wait until all Endpoints are known too."""
        await self.wait_until_synced()
        await self._has_endpoints.wait()

    async def follow_endpoints(self) -> None:
        """Keep the board's Endpoints as they are."""
        selection = Selection(resource=ENDPOINTS, namespace=self._namespace)
        async with aclosing(follow(self._client, selection)) as events:
            async for event in events:
                if isinstance(event, Event):
                    self._board.keep_endpoint(event)
                    self._change()
                else:
                    self._has_endpoints.set()

    def _change(self) -> None:
        if self._live is not None:
            self._live.change()

    async def follow_scripts(self) -> None:
        """Keep the board's Scripts as they are."""
        async with aclosing(self._tell(Selection(resource=SCRIPTS, namespace=self._namespace))) as events:
            async for event in events:
                self._dispatcher.reconsider(self._namespace, self._board.keep_script(event))
                self._change()

    async def follow_cron_scripts(self) -> None:
        """Keep the board's CronScripts as they are, and have their slots fired."""
        selection = Selection(resource=CRON_SCRIPTS, namespace=self._namespace)
        async with aclosing(self._tell(selection)) as events:
            async for event in events:
                self._tell_cron_script(event)

    def _tell_cron_script(self, event: Event) -> None:
        metadata = event.object["metadata"]
        was_there = self._board.find_cron_script(self._namespace, metadata["name"]) is not None
        name = self._board.keep_cron_script(event)
        cron_script = self._board.find_cron_script(self._namespace, name)
        if cron_script is None:
            self._ticker.forget(metadata["uid"])
            return
        self._ticker.keep(cron_script)
        if not was_there:
            self._dispatcher.reconsider(self._namespace, decide.name_schedule(name))

    async def follow_config_maps(self) -> None:
        """Notice changes of ConfigMaps; only those that a Script names are ever read whole."""
        selection = Selection(resource=CONFIG_MAPS, namespace=self._namespace, is_metadata_only=True)
        async with aclosing(self._tell(selection)) as events:
            async for event in events:
                for script in self._board.drop_config_map(event):
                    self._dispatcher.reconsider(self._namespace, script)
                    self._change()

    async def follow_executions(self) -> None:
        """Offer every run that is new or changed."""
        async with aclosing(self._tell(Selection(resource=EXECUTIONS, namespace=self._namespace))) as events:
            async for event in events:
                if event.type == "DELETED":
                    self._dispatcher.forget(event.object["metadata"]["uid"])
                    self._rescuer.forget(event.object["metadata"]["uid"])
                    self._ticker.note_end(event.object["metadata"]["uid"])
                else:
                    self._offer(event.object)

    async def follow_runners(self, pool: str) -> None:
        """Keep the dispatcher's idea of which runners of the pool are ready."""
        labels = ",".join(f"{key}={value}" for key, value in names.runner_selector(pool).items())
        ready: set[str] = set()
        selection = Selection(resource=PODS, namespace=self._namespace, labels=labels)
        async with aclosing(self._tell(selection)) as events:
            async for event in events:
                uid = event.object["metadata"]["uid"]
                if event.type != "DELETED" and is_ready(event.object):
                    ready.add(uid)
                else:
                    ready.discard(uid)
                if event.type == "DELETED" and await self._is_gone(event.object["metadata"]):
                    self._rescuer.note_gone(uid)
                self._dispatcher.set_runners(ready)
                if self._live is not None:
                    self._live.set_runners(len(ready))

    async def _is_gone(self, metadata: Manifest) -> bool:
        """Say whether a pod is gone for good: one that lost its label leaves the watch too, and lives."""
        try:
            found = await self._client.find(PODS, metadata["name"], self._namespace)
        except ApiError:
            # Then its lease tells, a little later.
            return False
        return found is None or found["metadata"]["uid"] != metadata["uid"]

    async def _tell(self, selection: Selection) -> AsyncGenerator[Event, None]:
        async with aclosing(follow(self._client, selection)) as events:
            async for event in events:
                if isinstance(event, Event):
                    yield event
                else:
                    self._synced[selection.resource.plural].set()

    def _offer(self, item: Manifest) -> None:
        uid = item["metadata"]["uid"]
        execution = self._read(item)
        if execution is None:
            self._dispatcher.forget_ended(uid)
            self._rescuer.forget(uid)
            self._ticker.note_end(uid)
            return
        if fired_by := find_firing(item):
            self._ticker.note_run(uid, fired_by)
        self._dispatcher.offer(execution)
        # The operator sees what became of a run's own pod.
        is_ours = execution.spec.isolation is Isolation.POOL
        if execution.status.phase is Phase.RUNNING and is_ours:
            self._rescuer.note(execution)
        else:
            self._rescuer.forget(uid)

    def _read(self, item: Manifest) -> ScriptExecution | None:
        if not is_open(item):
            # Most events of a busy namespace are ends; their output and logs need not be read here.
            return None
        try:
            return read_execution(item)
        except ValidationError:
            # Of a version of the API that is newer than this runner: a newer runner will take it.
            log.exception("cannot read an execution", extra={"uid": item["metadata"]["uid"]})
            return None
