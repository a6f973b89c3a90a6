"""Files as a board: the manifests of this machine, with statuses kept in memory."""

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from scriptorium_api import cron_runs, names
from scriptorium_api.base import Metadata
from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.env import Origin, ValueRef
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.names import source_hash
from scriptorium_api.reasons import Phase
from scriptorium_api.script import Script, ScriptSpec, ScriptStatus
from scriptorium_runner.executions import schedules
from scriptorium_runner.executions.decide import Source, Values
from scriptorium_runner.executions.errors import Superseded, Vanished
from scriptorium_runner.sources import cron_objects
from scriptorium_runner.sources.config_maps import pick_source
from scriptorium_runner.sources.file_endpoints import FileSecrets, place_endpoints, read_all
from scriptorium_runner.sources.manifests import ConfigMap, Loaded, Secret
from scriptorium_runner.sources.values import pick_values

NAMESPACE = "default"

_CURE = "add what is missing to these files"


class FileBoard:
    """The Scripts of the files, and the runs of them that were started on this machine."""

    def __init__(self) -> None:
        self._scripts: dict[tuple[str, str], Script] = {}
        self._cron_scripts: dict[tuple[str, str], CronScript] = {}
        self._config_maps: dict[tuple[str, str], dict[str, Any]] = {}
        self._secrets: dict[tuple[str, str], dict[str, Any]] = {}
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._changes = 0
        self._runs: dict[str, ScriptExecution] = {}
        self._with_key: dict[tuple[str, str], ScriptExecution] = {}
        self._ended: dict[str, ScriptExecution] = {}
        self._gone: set[str] = set()
        self.on_change: Callable[[ScriptExecution], None] = lambda _execution: None
        """Told of every run that waits again after a write, or has to stop, as a watch would tell it."""

    def take(self, loaded: Loaded, now: datetime | None = None) -> None:
        """Make the board's Scripts and CronScripts those of the files; slots count from now on."""
        self._changes += 1
        former, self._scripts = self._scripts, {}
        self._config_maps, self._secrets = _collect(loaded, ConfigMap), _collect(loaded, Secret)
        known, self._cron_scripts = self._cron_scripts, {}
        for cron_script in list_cron_scripts(loaded):
            key = (cron_script.metadata.namespace, cron_script.metadata.name)
            self._cron_scripts[key] = cron_objects.carry_over(
                cron_script, known.get(key), now or datetime.now(UTC)
            )
        self._endpoints = place_endpoints(loaded, self._endpoints, now or datetime.now(UTC), NAMESPACE)
        self._gone = {each.metadata.uid for each in known.values()}
        self._gone -= {each.metadata.uid for each in self._cron_scripts.values()}
        owners: tuple[CronScript | Endpoint, ...] = (*self._cron_scripts.values(), *self._endpoints.values())
        inline = (_build_inline_script(each) for each in owners if each.spec.script)
        written = (found.object for found in loaded.objects if isinstance(found.object, Script))
        for script in (*inline, *written):
            key = (script.metadata.namespace or NAMESPACE, script.metadata.name)
            self._scripts[key] = self._number(script, former.get(key))

    def add(self, manifest: ScriptExecution) -> ScriptExecution:
        """Hang up a new run of the manifest, with what an API server adds to it."""
        metadata = manifest.metadata
        created = manifest.model_copy(
            update={
                "metadata": metadata.model_copy(
                    update={
                        "name": metadata.name or metadata.generate_name + secrets.token_hex(3)[:5],
                        "namespace": metadata.namespace or NAMESPACE,
                        "uid": str(uuid.uuid4()),
                        "resource_version": "1",
                        "generation": 1,
                        # Kubernetes writes whole seconds.
                        "creation_timestamp": datetime.now(UTC).replace(microsecond=0),
                    }
                ),
                "status": ExecutionStatus(),
            }
        )
        self._runs[created.metadata.uid] = created
        self._keep_key(created)
        return created

    def remove(self, uid: str) -> None:
        """Take down a run, as `kubectl delete` would; whoever holds it learns that it vanished."""
        self._runs.pop(uid, None)

    def cron_scripts(self) -> list[CronScript]:
        """Give every CronScript as it is now, in the order of the files."""
        return list(self._cron_scripts.values())

    def put_cron_script(self, cron_script: CronScript, status: CronScriptStatus) -> CronScript:
        """Write a CronScript's status, and give it as it is then."""
        written = cron_objects.write_status(cron_script, status)
        self._cron_scripts[written.metadata.namespace, written.metadata.name] = written
        self._ended = {
            uid: run
            for uid, run in self._ended.items()
            if not (cron_runs.is_run_of(run, written) and cron_objects.is_accounted(run, written))
        }
        return written

    def list_fired(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give the runs that a CronScript made: all that have not ended, the others while they are needed."""
        runs = [*self._runs.values(), *self._ended.values()]
        return [run for run in runs if cron_runs.is_run_of(run, cron_script)]

    def list_orphans(self) -> list[ScriptExecution]:
        """Give the runs whose CronScript went with the last change of the files: it owned them."""
        return [run for run in self._runs.values() if self._gone.intersection(_list_owners(run))]

    def list_endpoints(self) -> list[Endpoint]:
        """Give every Endpoint as it is now, in the order of the files."""
        return list(self._endpoints.values())

    def open_secrets(self, namespace: str) -> FileSecrets:
        """Give the Secrets that Endpoints of a namespace name."""
        return FileSecrets(self._secrets, namespace)

    def find_values_state(self) -> object:
        """Give what is another one whenever a value may have changed."""
        return self._changes

    def scripts(self) -> list[tuple[str, str]]:
        """Give the namespace and name of every Script."""
        return list(self._scripts)

    def find_script(self, namespace: str, name: str) -> Script | None:
        """Give a Script as it is now, if there is one."""
        return self._scripts.get((namespace, name))

    def find_cron_script(self, namespace: str, name: str) -> CronScript | None:
        """Give a CronScript as it is now, if there is one."""
        return self._cron_scripts.get((namespace, name))

    async def read_source(self, script: Script) -> Source:
        """Give the source of a Script as it is now."""
        return self.find_source(script)

    def find_source(self, script: Script) -> Source:
        """Give the source of a Script as it is now."""
        if script.spec.source_from is None:
            return Source(script.spec.source)
        reference = script.spec.source_from.config_map_key_ref
        place = (script.metadata.namespace or NAMESPACE, reference.name)
        return pick_source(self._config_maps.get(place), reference)

    def read_values(self, script: Script) -> Values:
        """Give what the names of a Script's env stand for, as the files have it now."""
        namespace = script.metadata.namespace or NAMESPACE
        return pick_values(script.spec.env, lambda ref: self._find_value(namespace, ref), _CURE)

    def _find_value(self, namespace: str, ref: ValueRef) -> bytes | None:
        holders = self._secrets if ref.origin is Origin.SECRET else self._config_maps
        holder = holders.get((namespace, ref.name), {})
        return read_all(holder, ref.origin).get(ref.key)

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now."""
        try:
            return self._runs[execution.metadata.uid]
        except KeyError as error:
            raise Vanished(execution.metadata.name) from error

    async def list_with_key(self, namespace: str, key: str) -> list[ScriptExecution]:
        """Give each manifest's latest run with the key: a manifest that changed is no duplicate of itself."""
        return [
            run
            for (place, _), run in self._with_key.items()
            if place == namespace and run.spec.idempotency_key == key
        ]

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given, and give the run as it is then."""
        current = await self.read(execution)
        if current.metadata.resource_version != execution.metadata.resource_version:
            raise Superseded(execution.metadata.name)
        version = str(int(current.metadata.resource_version) + 1)
        written = current.model_copy(
            update={
                "metadata": current.metadata.model_copy(update={"resource_version": version}),
                "status": status,
            }
        )
        self._keep_key(written)
        if status.phase.is_terminal:
            del self._runs[execution.metadata.uid]
            self._note_end(written)
            return written
        self._runs[execution.metadata.uid] = written
        if status.phase is Phase.PENDING or written.is_cancelled:
            self.on_change(written)
        return written

    def _note_end(self, run: ScriptExecution) -> None:
        """Have the CronScript of a run know how that ended."""
        cron_script = schedules.find_cron_script(self, run)
        if cron_script is None or not cron_runs.is_run_of(run, cron_script):
            return
        self._ended[run.metadata.uid] = run
        if run.status.phase is Phase.SUCCEEDED:
            last = {"last_successful_time": run.status.completion_time}
            self.put_cron_script(cron_script, cron_script.status.model_copy(update=last))

    def _keep_key(self, run: ScriptExecution) -> None:
        if run.spec.idempotency_key is not None:
            self._with_key[run.metadata.namespace, run.metadata.name] = run

    def _number(self, script: Script, former: Script | None) -> Script:
        """Give the Script with a status, as the operator would write it."""
        text = self.find_source(script).text
        found = source_hash(text) if text is not None else None
        version = 1
        if former is not None:
            version = former.status.version + (found != former.status.source_hash)
        uid = former.metadata.uid if former else str(uuid.uuid4())
        return script.model_copy(
            update={
                "metadata": script.metadata.model_copy(update={"uid": uid}),
                "status": ScriptStatus(version=version, source_hash=found),
            }
        )


def list_cron_scripts(loaded: Loaded) -> list[CronScript]:
    """Give the CronScripts of the files, each with its namespace."""
    return [
        cron_objects.place(found.object, NAMESPACE)
        for found in loaded.objects
        if isinstance(found.object, CronScript)
    ]


def _list_owners(run: ScriptExecution) -> list[str]:
    return [owner.uid for owner in run.metadata.owner_references]


def _build_inline_script(owner: CronScript | Endpoint) -> Script:
    """Give the Script of what stands inline in another object, as the operator would make it."""
    metadata, code = owner.metadata, owner.spec.script
    return Script(
        metadata=Metadata(
            name=names.inline_script_name(metadata.name, owner.kind), namespace=metadata.namespace
        ),
        spec=ScriptSpec(**dict(code or ())),
    )


def _collect(loaded: Loaded, kind: type[ConfigMap | Secret]) -> dict[tuple[str, str], dict[str, Any]]:
    """Give the objects of a kind by namespace and name."""
    return {
        (found.object.metadata.namespace or NAMESPACE, found.object.metadata.name): found.object.to_wire()
        for found in loaded.objects
        if isinstance(found.object, kind)
    }
