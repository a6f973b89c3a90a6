"""The cluster: the only caller of the Kubernetes client."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import scriptorium_client as kubernetes
from scriptorium_api import names
from scriptorium_api.cron_script import CronScript
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script
from scriptorium_client import resources
from scriptorium_client.resources import Resource
from scriptorium_operator.cron_facts import CronRun
from scriptorium_operator.errors import ClusterUnavailable
from scriptorium_operator.facts import (
    POOL_PARTS,
    Address,
    ConfigMapContent,
    Key,
    Kind,
    Manifest,
    RunPod,
    Tenant,
)
from scriptorium_operator.gateways import reading, run_pods
from scriptorium_operator.gateways.errors import translated
from scriptorium_operator.gateways.reading_endpoints import read_endpoint
from scriptorium_operator.notices import InSync, Notice

_ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")

#: The Job controller puts it on the pods of each Job.
_JOB_LABEL = "batch.kubernetes.io/job-name"

_RESOURCES = {
    Kind.SCRIPT: resources.SCRIPTS,
    Kind.EXECUTION: resources.EXECUTIONS,
    Kind.CRON_SCRIPT: resources.CRON_SCRIPTS,
    Kind.ENDPOINT: resources.ENDPOINTS,
    Kind.RUNNER_POOL: resources.RUNNER_POOLS,
    Kind.CONFIG_MAP: resources.CONFIG_MAPS,
    Kind.NAMESPACE: resources.NAMESPACES,
    Kind.DEPLOYMENT: resources.DEPLOYMENTS,
    Kind.SERVICE: resources.SERVICES,
    Kind.SERVICE_ACCOUNT: resources.SERVICE_ACCOUNTS,
    Kind.ROLE_BINDING: resources.ROLE_BINDINGS,
    Kind.NETWORK_POLICY: resources.NETWORK_POLICIES,
    Kind.INGRESS: resources.INGRESSES,
    Kind.JOB: resources.JOBS,
    Kind.CRON_JOB: resources.CRON_JOBS,
    Kind.DISRUPTION_BUDGET: resources.DISRUPTION_BUDGETS,
}


class Cluster:
    """What the operator reads and writes; every method raises the errors of this package only.

    `may_write` is asked before each write, and raises if this replica does not lead; `tell` hears of each
    that was done, as a verb and a kind.
    """

    def __init__(
        self,
        client: kubernetes.Client,
        may_write: Callable[[], None],
        tell: Callable[[str, str], None] = lambda _verb, _kind: None,
    ) -> None:
        self._client, self._may_write, self._tell = client, may_write, tell

    async def find(self, key: Key) -> Manifest | None:
        """Give a live object as it is."""
        with translated():
            return await self._client.find(_RESOURCES[key.kind], key.name, key.namespace)

    async def find_script(self, key: Key) -> Script | None:
        """Give a Script, unless it is gone or going."""
        item = await self.find(key)
        script = Script.from_stored(item) if item else None
        return script if script and script.metadata.deletion_timestamp is None else None

    async def find_cron_script(self, key: Key) -> CronScript | None:
        """Give a CronScript, unless it is gone or going."""
        item = await self.find(key)
        cron_script = CronScript.from_stored(item) if item else None
        return cron_script if cron_script and cron_script.metadata.deletion_timestamp is None else None

    async def find_endpoint(self, key: Key) -> Endpoint | None:
        """Give an Endpoint, unless it is gone or going."""
        item = await self.find(key)
        endpoint = read_endpoint(item) if item else None
        return endpoint if endpoint and endpoint.metadata.deletion_timestamp is None else None

    async def find_pool(self, key: Key) -> RunnerPool | None:
        """Give a RunnerPool; one that is going is still there."""
        item = await self.find(key)
        return RunnerPool.from_stored(item) if item else None

    async def find_execution(self, key: Key) -> ScriptExecution | None:
        """Give a run without its input, unless it is gone or going."""
        item = await self.find(key)
        execution = reading.read_execution(item) if item else None
        return execution if execution and execution.metadata.deletion_timestamp is None else None

    async def list_cron_runs(self, cron_script: CronScript) -> list[CronRun]:
        """Give all runs that this very CronScript made, as they are at this moment."""
        metadata = cron_script.metadata
        fields = names.fired_by(metadata.name)
        with translated():
            items = await self._client.list_all(resources.EXECUTIONS, metadata.namespace, fields=fields)
        runs = map(reading.read_cron_run, items)
        return [run for run in runs if run is not None and run.owner == metadata.uid]

    async def find_run_pod(self, namespace: str, job_name: str) -> RunPod | None:
        """Give what there is of a run's Job and its pod."""
        job = await self.find(Key(Kind.JOB, namespace, job_name))
        with translated():
            pods = await self._client.list_all(resources.PODS, namespace, labels=f"{_JOB_LABEL}={job_name}")
            if job is None or pods:
                return run_pods.read_run_pod(job, pods, [])
            uid = job["metadata"]["uid"]
            events = await self._client.list_all(
                resources.EVENTS, namespace, fields=f"involvedObject.uid={uid}"
            )
        return run_pods.read_run_pod(job, pods, events)

    async def find_config_map(self, namespace: str, name: str) -> ConfigMapContent | None:
        """Give what a ConfigMap holds."""
        item = await self.find(Key(Kind.CONFIG_MAP, namespace, name))
        return reading.read_config_map(item) if item else None

    async def find_tenant(self, namespace: str) -> Tenant | None:
        """Give a namespace, unless it is gone or going."""
        item = await self.find(Key(Kind.NAMESPACE, "", namespace))
        return reading.read_tenant(item) if item else None

    async def find_api_server(self) -> list[Address]:
        """Give where the API server is reached from pods."""
        with translated():
            return reading.read_addresses(
                await self._client.get(_ENDPOINT_SLICES, "kubernetes", "default"),
                await self._client.get(resources.SERVICES, "kubernetes", "default"),
            )

    async def is_serving(self, kind: Kind) -> bool:
        """Say whether the API server knows the kind: its CRD is there and established."""
        try:
            async for _ in self._client.list_pages(_RESOURCES[kind], "default", is_metadata_only=True):
                return True
        except kubernetes.NotFound:
            return False
        except kubernetes.Unavailable as error:
            raise ClusterUnavailable(str(error), error.retry_after) from error
        return True

    async def has_pool_users(self, namespace: str) -> bool:
        """Say whether there is a Script, a CronScript or an Endpoint in the namespace."""
        for resource in (resources.SCRIPTS, resources.CRON_SCRIPTS, resources.ENDPOINTS):
            if await self._has_any(resource, namespace):
                return True
        return False

    async def _has_any(self, resource: Resource, namespace: str) -> bool:
        with translated():
            async for items, _ in self._client.list_pages(resource, namespace, is_metadata_only=True):
                if items:
                    return True
            return False

    async def has_unfinished_runs(self, namespace: str) -> bool:
        """Say whether a run of the namespace has not ended; the phase is not selectable, so all are read."""
        with translated():
            async for items, _ in self._client.list_pages(resources.EXECUTIONS, namespace):
                if any(map(reading.is_unfinished, items)):
                    return True
            return False

    async def apply(self, manifest: Manifest, live: Manifest | None = None) -> Manifest:
        """Make the live object have what the manifest says; gives the live object.

        With the object as it was read, raises Outdated if it changed since: one who stood still meanwhile
        changes nothing.
        """
        if live is not None:
            version = {"resourceVersion": live["metadata"]["resourceVersion"]}
            manifest = manifest | {"metadata": manifest["metadata"] | version}
        with self._writing("apply", manifest["kind"]):
            return await self._client.apply(manifest, resources.of_manifest(manifest), names.MANAGER)

    async def create(self, manifest: Manifest) -> None:
        """Make an object; raises Outdated if it is there already, NoRoom if a quota is used up."""
        with self._writing("create", manifest["kind"]):
            await self._client.create(manifest, resources.of_manifest(manifest))

    async def replace_status(
        self, former: Script | CronScript | Endpoint | RunnerPool | ScriptExecution, status: Manifest
    ) -> None:
        """Write the status of an object as it was read; raises Outdated if it changed since."""
        metadata = former.metadata
        with self._writing("status", former.kind):
            await self._client.replace_status(
                _RESOURCES[Kind(former.kind)],
                metadata.name,
                metadata.namespace,
                status,
                metadata.resource_version,
            )

    async def announce(self, event: Manifest) -> None:
        """Make an Event."""
        with self._writing("create", event["kind"]):
            await self._client.create(event, resources.EVENTS)

    async def delete(self, key: Key, uid: str) -> None:
        """Delete an object, if it is still this very one."""
        with self._writing("delete", key.kind.value):
            await self._client.delete(_RESOURCES[key.kind], key.name, key.namespace, uid=uid)

    async def follow(self, kind: Kind) -> AsyncIterator[Notice | InSync]:
        """Tell every change of a kind in all namespaces, for ever; of what we make, only ours."""
        selection = kubernetes.Selection(
            resource=_RESOURCES[kind],
            labels=_render_labels(kind),
            # Of runs it counts how they ended, of Scripts what they name, of Endpoints what they ask for;
            # nothing else is looked into here.
            is_metadata_only=kind not in (Kind.EXECUTION, Kind.SCRIPT, Kind.ENDPOINT),
        )
        async for event in kubernetes.follow(self._client, selection):
            if isinstance(event, kubernetes.Synced):
                yield InSync()
            else:
                yield reading.read_notice(kind, event.object, is_gone=event.type == "DELETED")

    @contextmanager
    def _writing(self, verb: str, kind: str) -> Iterator[None]:
        self._may_write()
        with translated(is_write=True):
            yield
        self._tell(verb, kind)


def _render_labels(kind: Kind) -> str | None:
    if kind is Kind.INGRESS:
        return ",".join(f"{key}={value}" for key, value in names.ingress_labels().items())
    is_of_runs = kind in (Kind.JOB, Kind.CRON_JOB)
    if not is_of_runs and kind not in POOL_PARTS:
        return None
    labels = (names.run_labels if is_of_runs else names.runner_labels)(names.DEFAULT_POOL)
    return ",".join(f"{key}={value}" for key, value in labels.items() if not key.endswith("/instance"))
