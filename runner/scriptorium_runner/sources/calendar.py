"""The cluster as a calendar: CronScripts and their runs read anew, and runs made."""

from collections.abc import Awaitable, Callable
from typing import Any

from scriptorium_api import names
from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_client import ApiError, Client, Conflict, Forbidden, NotFound
from scriptorium_client.client import Manifest
from scriptorium_client.resources import CRON_SCRIPTS, EXECUTIONS
from scriptorium_runner.executions.errors import BoardError, NoRoom, Refused, Unreachable, Vanished
from scriptorium_runner.schedules.ports import Made
from scriptorium_runner.sources.cluster import ClusterBoard, translate
from scriptorium_runner.sources.reading import read_execution

#: How the API server words its refusal for a quota; it has the same code as a missing right.
_NO_ROOM = "exceeded quota:"


class ClusterCalendar:
    """The CronScripts of a namespace and their runs; nothing is kept.

    `on_made` hears of each run that was made here, and not by somebody else before.
    """

    def __init__(
        self, client: Client, namespace: str, on_made: Callable[[ScriptExecution], None] = lambda _run: None
    ) -> None:
        self._client, self._namespace, self._on_made = client, namespace, on_made
        self._board = ClusterBoard(client, namespace)

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give the CronScript as it is now; raises Vanished if that very object is gone or going."""
        return await self.find_cron_script(cron_script.metadata.name, cron_script.metadata.uid)

    async def find_cron_script(self, name: str, uid: str) -> CronScript:
        """Give the CronScript with this UID as it is now; raises Vanished if it is gone or going."""
        try:
            found = await self._client.get(CRON_SCRIPTS, name, self._namespace)
        except ApiError as error:
            raise translate(error) from error
        current = CronScript.from_stored(found)
        if current.metadata.uid != uid or current.metadata.deletion_timestamp is not None:
            raise Vanished(f"CronScript {name} was deleted")
        return current

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give all runs that name the CronScript as what fired them."""
        fields = names.fired_by(cron_script.metadata.name)
        return await _read(self._client.list_all(EXECUTIONS, self._namespace, fields=fields))

    async def list_known_runs(self, cron_script: CronScript, version: str) -> list[ScriptExecution]:
        """Give them as they were at this resource version or later."""
        fields = names.fired_by(cron_script.metadata.name)
        return await _read(
            self._client.list_since(EXECUTIONS, self._namespace, fields=fields, version=version)
        )

    async def make_run(self, manifest: dict[str, Any]) -> Made:
        """Make the run, or give it if it is there; raises Refused if its name is another's, and NoRoom."""
        try:
            run = read_execution(await self._client.create(manifest, EXECUTIONS))
        except Conflict as conflict:
            return Made(await self._find_same(manifest, conflict), is_new=False)
        except ApiError as error:
            raise _translate(error) from error
        self._on_made(run)
        return Made(run, is_new=True)

    async def _find_same(self, manifest: dict[str, Any], conflict: Conflict) -> ScriptExecution:
        name = manifest["metadata"]["name"]
        try:
            found = await self._client.get(EXECUTIONS, name, self._namespace)
        except NotFound:
            # A quota can conflict too, and the run of another be deleted meanwhile: the name is free.
            raise Unreachable(str(conflict)) from conflict
        except ApiError as error:
            raise _translate(error) from error
        owners = {each["uid"] for each in found["metadata"].get("ownerReferences", [])}
        if manifest["metadata"]["ownerReferences"][0]["uid"] in owners:
            return read_execution(found)
        raise Refused(f"ScriptExecution {name} is another's; delete it to have the slot run") from conflict

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""
        return await self._board.read(execution)

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given; raises Superseded if it is not."""
        return await self._board.write_status(execution, status)

    async def record(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        """Write the status if the CronScript is still as given; raises Superseded if it is not."""
        metadata = cron_script.metadata
        try:
            await self._client.replace_status(
                CRON_SCRIPTS, metadata.name, self._namespace, status.to_wire(), metadata.resource_version
            )
        except ApiError as error:
            raise translate(error) from error


async def _read(listing: Awaitable[list[Manifest]]) -> list[ScriptExecution]:
    try:
        found = await listing
    except ApiError as error:
        raise _translate(error) from error
    return list(map(read_execution, found))


def _translate(error: ApiError) -> BoardError:
    """Give what an answer means that is not about one object: nobody's CronScript is gone for it."""
    if isinstance(error, Forbidden) and _NO_ROOM in str(error):
        return NoRoom(str(error))
    return Unreachable(str(error)) if isinstance(error, NotFound) else translate(error)
