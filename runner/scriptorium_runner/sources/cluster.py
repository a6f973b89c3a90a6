"""The cluster as a board: what followers told of the namespace, and the writing of statuses."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from scriptorium_api import names
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.script import Script
from scriptorium_client import ApiError, Client, Conflict, Event, Invalid, NotFound, Unavailable
from scriptorium_client.client import Manifest
from scriptorium_client.resources import CONFIG_MAPS, EXECUTIONS
from scriptorium_runner.executions.decide import Source, Values
from scriptorium_runner.executions.errors import BoardError, Refused, Superseded, Unreachable, Vanished
from scriptorium_runner.sources import volume
from scriptorium_runner.sources.config_maps import pick_source
from scriptorium_runner.sources.reading import read_execution
from scriptorium_runner.sources.secret_files import SecretFiles

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript
    from scriptorium_api.endpoints.endpoint import Endpoint

log = logging.getLogger(__name__)


class ClusterBoard:
    """What this namespace's Scripts and sources are now, and the way to write a run's status."""

    def __init__(self, client: Client, namespace: str, values: Path = Path(names.VALUES_FOLDER)) -> None:
        self._client, self._namespace, self._values = client, namespace, values
        self._scripts: dict[str, Script] = {}
        self._cron_scripts: dict[str, CronScript] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._secrets = SecretFiles(values)
        self._config_maps: dict[str, Manifest] = {}
        self._changes = 0

    def find_script(self, namespace: str, name: str) -> Script | None:
        """Give a Script as it is now, if there is one."""
        return self._scripts.get(name) if namespace == self._namespace else None

    def find_cron_script(self, namespace: str, name: str) -> "CronScript | None":
        """Give a CronScript as it is now, if there is one."""
        return self._cron_scripts.get(name) if namespace == self._namespace else None

    def list_endpoints(self) -> "list[Endpoint]":
        """Give every Endpoint as it is now."""
        return list(self._endpoints.values())

    def open_secrets(self, _namespace: str) -> SecretFiles:
        """Give the Secrets that Endpoints name, as this pod's volumes have them."""
        return self._secrets

    def find_values_state(self) -> object:
        """Give what is another one whenever a value may have changed."""
        return volume.find_state(self._values)

    async def read_source(self, script: Script) -> Source:
        """Give the source of a Script as it is now; raises Unreachable."""
        if script.spec.source_from is None:
            return Source(script.spec.source)
        reference = script.spec.source_from.config_map_key_ref
        if known := self._config_maps.get(reference.name):
            return pick_source(known, reference)
        return pick_source(await self._read_config_map(reference.name), reference)

    def read_values(self, script: Script) -> Values:
        """Give what the names of a Script's env stand for, as this pod's volume has it at this moment."""
        return volume.read_values(self._values, script.spec.env)

    async def _read_config_map(self, name: str) -> Manifest | None:
        changes = self._changes
        try:
            found = await self._client.find(CONFIG_MAPS, name, self._namespace)
        except ApiError as error:
            raise translate(error) from error
        # What changed while it was being read may be old already; it is used once and not kept.
        if found is not None and changes == self._changes:
            self._config_maps[name] = found
        return found

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""
        metadata = execution.metadata
        try:
            found = await self._client.get(EXECUTIONS, metadata.name, metadata.namespace)
        except ApiError as error:
            raise translate(error) from error
        current = read_execution(found)
        if current.metadata.uid != metadata.uid:
            raise Vanished(f"{metadata.name} was deleted and made again")
        return current

    async def list_with_key(self, namespace: str, key: str) -> list[ScriptExecution]:
        """Give all runs with an idempotency key, as they are at this moment."""
        try:
            found = await self._client.list_all(EXECUTIONS, namespace, fields=f"spec.idempotencyKey={key}")
        except ApiError as error:
            raise translate(error) from error
        return list(map(read_execution, found))

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given, and give the run as it is then."""
        metadata = execution.metadata
        try:
            written = await self._client.replace_status(
                EXECUTIONS, metadata.name, metadata.namespace, status.to_wire(), metadata.resource_version
            )
        except ApiError as error:
            raise translate(error) from error
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
        if event.type == "DELETED":
            self._scripts.pop(name, None)
            return name
        try:
            self._scripts[name] = Script.from_stored(event.object)
        except ValidationError:
            # One Script of another version of the API must not take the namespace's runners with it.
            log.exception("cannot read a script", extra={"script": name})
            self._scripts.pop(name, None)
        return name

    def keep_cron_script(self, event: Event) -> str:
        """Remember a change of a CronScript; give its name."""
        # Every run waits for what its pod imports, and most are of no CronScript.
        from scriptorium_api.cron_script import CronScript  # noqa: PLC0415

        name: str = event.object["metadata"]["name"]
        self._cron_scripts.pop(name, None)
        if event.type != "DELETED":
            try:
                self._cron_scripts[name] = CronScript.from_stored(event.object)
            except ValidationError:
                log.exception("cannot read a cronscript", extra={"cronScript": name})
        return name

    def put_cron_script(self, cron_script: "CronScript") -> None:
        """Remember a CronScript as it was read."""
        self._cron_scripts[cron_script.metadata.name] = cron_script

    def keep_endpoint(self, event: Event) -> None:
        """Remember a change of an Endpoint."""
        # A pod that sees to one run sees no Endpoint, and its run waits for what it imports.
        from scriptorium_api.endpoints.endpoint import Endpoint  # noqa: PLC0415

        name: str = event.object["metadata"]["name"]
        if event.type == "DELETED":
            self._endpoints.pop(name, None)
            return
        try:
            self._endpoints[name] = Endpoint.from_stored(event.object)
        except ValidationError:
            # Whoever may call is written in it: what cannot be read is not served by what it was before.
            log.exception("cannot read an endpoint", extra={"endpoint": name})
            self._endpoints.pop(name, None)

    def drop_config_map(self, event: Event) -> list[str]:
        """Forget what was read of a ConfigMap; give the Scripts that take their source from it."""
        name: str = event.object["metadata"]["name"]
        self._config_maps.pop(name, None)
        self._changes += 1
        return [
            script.metadata.name
            for script in self._scripts.values()
            if script.spec.source_from and script.spec.source_from.config_map_key_ref.name == name
        ]


def translate(error: ApiError) -> BoardError:
    """Give what an answer of the API server means for whoever writes a status."""
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
