"""The cluster as a board: watches the namespace, writes statuses."""

import asyncio
import json
import logging
from contextlib import aclosing

from pydantic import ValidationError

from scriptorium_api import names
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.script import Script
from scriptorium_client import (
    ApiError,
    Client,
    Conflict,
    Event,
    Invalid,
    NotFound,
    Selection,
    Synced,
    Unavailable,
    follow,
    parsing,
)
from scriptorium_client.client import Manifest
from scriptorium_client.resources import CONFIG_MAPS, EXECUTIONS, PODS, SCRIPTS
from scriptorium_runner.executions.decide import Source
from scriptorium_runner.executions.dispatcher import Dispatcher
from scriptorium_runner.executions.errors import BoardError, Refused, Superseded, Unreachable, Vanished
from scriptorium_runner.sources.config_maps import pick_source

log = logging.getLogger(__name__)


class ClusterBoard:
    """What this namespace's Scripts and sources are now, and the way to write a run's status."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._scripts: dict[str, Script] = {}
        self._config_maps: dict[str, Manifest] = {}

    def find_script(self, namespace: str, name: str) -> Script | None:
        """Give a Script as it is now, if there is one."""
        return self._scripts.get(name) if namespace == self._namespace else None

    async def read_source(self, script: Script) -> Source:
        """Give the source of a Script as it is now; raises Unreachable."""
        if script.spec.source_from is None:
            return Source(script.spec.source)
        reference = script.spec.source_from.config_map_key_ref
        if reference.name not in self._config_maps:
            try:
                found = await self._client.find(CONFIG_MAPS, reference.name, self._namespace)
            except ApiError as error:
                raise _translate(error) from error
            if found is None:
                return pick_source(None, reference)
            self._config_maps[reference.name] = found
        return pick_source(self._config_maps[reference.name], reference)

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""
        metadata = execution.metadata
        try:
            current = ScriptExecution.from_wire(
                await self._client.get(EXECUTIONS, metadata.name, metadata.namespace)
            )
        except ApiError as error:
            raise _translate(error) from error
        if current.metadata.uid != metadata.uid:
            raise Vanished(f"{metadata.name} was deleted and made again")
        return current

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given, and give the run as it is then."""
        metadata = execution.metadata
        try:
            written = await self._client.replace_status(
                EXECUTIONS, metadata.name, metadata.namespace, status.to_wire(), metadata.resource_version
            )
        except ApiError as error:
            raise _translate(error) from error
        changed = metadata.model_copy(update={"resource_version": written["metadata"]["resourceVersion"]})
        cancel = {"cancel": bool(written["spec"].get("cancel"))}
        return execution.model_copy(
            update={
                "metadata": changed,
                "spec": execution.spec.model_copy(update=cancel),
                "status": status,
            }
        )

    def keep_script(self, event: Event) -> str:
        """Remember a change of a Script; give its name."""
        name: str = event.object["metadata"]["name"]
        known = self._scripts.get(name)
        if event.type == "DELETED":
            # A Script that was made again under its name may be told before the end of the former one.
            if known is not None and known.metadata.uid == event.object["metadata"]["uid"]:
                del self._scripts[name]
            return name
        try:
            self._scripts[name] = Script.from_wire(event.object)
        except ValidationError:
            # One Script of another version of the API must not take the namespace's runners with it.
            log.exception("cannot read a script", extra={"script": name})
            self._scripts.pop(name, None)
        return name

    def drop_config_map(self, event: Event) -> list[str]:
        """Forget what was read of a ConfigMap; give the Scripts that take their source from it."""
        name: str = event.object["metadata"]["name"]
        self._config_maps.pop(name, None)
        return [
            script.metadata.name
            for script in self._scripts.values()
            if script.spec.source_from and script.spec.source_from.config_map_key_ref.name == name
        ]


async def follow_scripts(client: Client, namespace: str, board: ClusterBoard, dispatcher: Dispatcher) -> None:
    """Keep the board's Scripts as they are."""
    async with aclosing(follow(client, Selection(resource=SCRIPTS, namespace=namespace))) as events:
        async for event in events:
            if isinstance(event, Event):
                dispatcher.reconsider(namespace, board.keep_script(event))


async def follow_config_maps(
    client: Client, namespace: str, board: ClusterBoard, dispatcher: Dispatcher
) -> None:
    """Notice changes of ConfigMaps; only those that a Script names are ever read whole."""
    selection = Selection(resource=CONFIG_MAPS, namespace=namespace, is_metadata_only=True)
    async with aclosing(follow(client, selection)) as events:
        async for event in events:
            if isinstance(event, Event):
                for script in board.drop_config_map(event):
                    dispatcher.reconsider(namespace, script)


async def follow_executions(
    client: Client, namespace: str, dispatcher: Dispatcher, synced: asyncio.Event
) -> None:
    """Offer every run that is new or changed."""
    async with aclosing(follow(client, Selection(resource=EXECUTIONS, namespace=namespace))) as events:
        async for event in events:
            if isinstance(event, Synced):
                synced.set()
            elif event.type == "DELETED":
                dispatcher.forget(event.object["metadata"]["uid"])
            else:
                _offer(dispatcher, event.object)


async def follow_runners(client: Client, namespace: str, pool: str, dispatcher: Dispatcher) -> None:
    """Keep the dispatcher's idea of which runners are ready."""
    labels = ",".join(f"{key}={value}" for key, value in names.runner_selector(pool).items())
    ready: set[str] = set()
    async with aclosing(
        follow(client, Selection(resource=PODS, namespace=namespace, labels=labels))
    ) as events:
        async for event in events:
            if isinstance(event, Event):
                uid = event.object["metadata"]["uid"]
                if event.type != "DELETED" and is_ready(event.object):
                    ready.add(uid)
                else:
                    ready.discard(uid)
                dispatcher.set_runners(ready)


def is_ready(pod: Manifest) -> bool:
    """Say whether a runner pod takes runs: ready, and not on its way out."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _offer(dispatcher: Dispatcher, item: Manifest) -> None:
    phase = item.get("status", {}).get("phase", Phase.PENDING)
    if Phase(phase).is_terminal:
        # Most events of a busy namespace are ends; their output and logs need not be read here.
        dispatcher.forget_ended(item["metadata"]["uid"])
        return
    try:
        dispatcher.offer(_read(item))
    except ValidationError:
        log.exception("cannot read an execution", extra={"uid": item["metadata"]["uid"]})


def _read(item: Manifest) -> ScriptExecution:
    """Read a run; input that is nested too deeply for the model is cut, and refused when it is its turn."""
    try:
        return ScriptExecution.from_wire(item)
    except ValidationError:
        return ScriptExecution.from_wire(json.loads(parsing.prune(json.dumps(item).encode())))


def _translate(error: ApiError) -> BoardError:
    match error:
        case Conflict():
            return Superseded(str(error))
        case NotFound():
            return Vanished(str(error))
        case Invalid():
            return Refused(str(error))
        case Unavailable():
            return Unreachable(str(error), error.retry_after)
        case _:
            # 401 and 403 end when somebody mends the account; until then the run is kept.
            return Unreachable(str(error))
