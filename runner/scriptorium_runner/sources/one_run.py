"""One run and what it needs, read anew for each look: for a runner that has no other."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.values import frozen
from scriptorium_client import ApiError, Client, Event, Selection, follow
from scriptorium_client.resources import CRON_SCRIPTS, EXECUTIONS, SCRIPTS
from scriptorium_runner.executions import schedules
from scriptorium_runner.executions.handling import Signals
from scriptorium_runner.sources.cluster import ClusterBoard
from scriptorium_runner.sources.reading import is_cancelled, read_execution

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Between two tries while the API server does not answer; the Job's own deadline ends them.
RETRY_SECONDS = 2.0

#: So many Scripts that may call each other are read for one run; nobody's run needs more.
MOST_SCRIPTS = 100


@frozen
class Target:
    """Which run it is: a name may be taken by another one meanwhile."""

    namespace: str
    name: str
    uid: str


@frozen
class Sight:
    """The run as it is now, and a board with its Script on it."""

    execution: ScriptExecution
    board: ClusterBoard


async def look(client: Client, target: Target) -> Sight | None:
    """Read the run and what it needs, however long that takes; None if the run is gone."""
    item = await _insist(lambda: client.find(EXECUTIONS, target.name, target.namespace))
    if item is None or item["metadata"]["uid"] != target.uid:
        return None
    return await look_around(client, read_execution(item))


async def look_around(
    client: Client, execution: ScriptExecution, cron_script: "CronScript | None" = None
) -> Sight:
    """Read what a run needs, however long that takes; its CronScript too, if that is not given."""
    namespace = execution.metadata.namespace
    board = ClusterBoard(client, namespace)
    if execution.status.phase.is_terminal:
        return Sight(execution, board)
    if cron_script is not None:
        board.put_cron_script(cron_script)
    else:
        await _keep_cron_script(client, board, execution)
    execution = schedules.take_over(board, execution)
    if reference := execution.spec.script_ref:
        await _keep_scripts(client, board, namespace, reference.name)
    return Sight(execution, board)


async def _keep_cron_script(client: Client, board: ClusterBoard, execution: ScriptExecution) -> None:
    """Put the CronScript on the board that the run is of, or that it names."""
    name = schedules.find_name(execution)
    if name is None:
        return
    found = await _insist(lambda: client.find(CRON_SCRIPTS, name, execution.metadata.namespace))
    if found is not None:
        board.keep_cron_script(Event("ADDED", found))


async def _keep_scripts(client: Client, board: ClusterBoard, namespace: str, name: str) -> None:
    """Put a Script on the board, and those that it may call, and so on."""
    seen, left = {name}, [name]
    while left and len(seen) <= MOST_SCRIPTS:
        wanted = left.pop(0)
        found = await _insist(functools.partial(client.find, SCRIPTS, wanted, namespace))
        if found is None:
            continue
        board.keep_script(Event("ADDED", found))
        if script := board.find_script(namespace, wanted):
            more = [each for each in script.spec.permissions.scripts if each not in seen]
            seen.update(more)
            left += more


async def listen(client: Client, target: Target, signals: Signals) -> None:
    """Pass on for ever that the run is cancelled or gone."""
    selection = Selection(
        resource=EXECUTIONS, namespace=target.namespace, fields=f"metadata.name={target.name}"
    )
    async with aclosing(follow(client, selection)) as events:
        async for event in events:
            if isinstance(event, Event):
                _tell(event, target, signals)


def _tell(event: Event, target: Target, signals: Signals) -> None:
    is_it = event.object["metadata"]["uid"] == target.uid
    if is_it and event.type != "DELETED" and is_cancelled(event.object):
        signals.cancelled.set()
        signals.stop.set()
    if is_it and event.type == "DELETED":
        signals.stop.set()


async def _insist(ask: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await ask()
        except ApiError as error:
            log.warning("cannot read the run, trying again", extra={"error": str(error)})
            await asyncio.sleep(max(RETRY_SECONDS, error.retry_after or 0))
