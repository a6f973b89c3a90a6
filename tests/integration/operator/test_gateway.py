"""The gateway to the cluster, and what the API server makes of our manifests."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from scriptorium_api import names
from scriptorium_api.cron_script import CronScript
from scriptorium_api.script import Limits
from scriptorium_client import Client
from scriptorium_operator.build.cron_job import CronOrder, build_cron_job
from scriptorium_operator.build.pool_objects import build_pool_objects
from scriptorium_operator.build.runner_pod import Place
from scriptorium_operator.cron_facts import FiredJob
from scriptorium_operator.decide.drift import lacks
from scriptorium_operator.errors import ClusterRefused, Outdated, Vanished
from scriptorium_operator.facts import Key, Kind, Manifest
from scriptorium_operator.gateways.cluster import Cluster
from scriptorium_operator.notices import InSync
from scriptorium_operator.settings import RunnerSettings, Settings
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

SETTINGS = Settings(
    runner=RunnerSettings(
        image="example.org/none:1",
        pull_secrets=("registry",),
        priority_class="system-cluster-critical",
        metrics_from=("monitoring",),
    )
)
EACH_MINUTE = '{"spec":{"suspend":false,"schedule":"* * * * *"}}'
RICH_SPEC = {
    "replicas": 2,
    "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": "0.05"}},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
}


@pytest_asyncio.fixture
async def cluster(client: Client) -> AsyncIterator[Cluster]:
    yield Cluster(client, lambda: None)


def make_pool(spec: Manifest, namespace: str) -> Manifest:
    metadata = {"name": "default", "namespace": namespace}
    return {"apiVersion": names.API_VERSION, "kind": "RunnerPool", "metadata": metadata, "spec": spec}


async def test_what_was_applied_lacks_nothing_after_the_api_servers_defaults(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    # Under names of their own, so that an operator that runs meanwhile has nothing to put right.
    pool_key = Key(Kind.RUNNER_POOL, namespace, "default")
    await cluster.apply(make_pool(RICH_SPEC, namespace))
    pool = await cluster.find_pool(pool_key)
    tenant = await cluster.find_tenant(namespace)
    assert pool is not None
    assert tenant is not None
    for manifest in build_pool_objects(pool, tenant, await cluster.find_api_server(), SETTINGS):
        manifest["metadata"]["name"] += "-test"
        applied = await cluster.apply(manifest)
        live = await cluster.find(Key(Kind(manifest["kind"]), namespace, manifest["metadata"]["name"]))
        assert not lacks(applied, manifest)
        assert not lacks(live, manifest), f"{manifest['kind']}: {live}"


async def make_cron_job(cluster: Cluster, namespace: str) -> Manifest:
    """Give the CronJob of a schedule, which is suspended: no pod is made."""
    await cluster.apply(make_pool(RICH_SPEC, namespace))
    pool = await cluster.find_pool(Key(Kind.RUNNER_POOL, namespace, "default"))
    tenant = await cluster.find_tenant(namespace)
    assert pool is not None
    assert tenant is not None
    spec = {"schedule": "@daily", "scriptRef": {"name": "hello"}, "suspend": True, "tolerations": []}
    metadata = {"name": "nightly", "namespace": namespace, "uid": pool.metadata.uid}
    cron_script = CronScript.from_wire(
        {"apiVersion": names.API_VERSION, "kind": "CronScript", "metadata": metadata, "spec": spec}
    )
    api_server = tuple(await cluster.find_api_server())
    place = Place(pool=pool, tenant=tenant, organization="", runner=SETTINGS.runner, api_server=api_server)
    manifest = build_cron_job(CronOrder(cron_script=cron_script, limits=Limits()), place)
    # An owner that is there, else it would be collected at once; of another kind, so that an operator that
    # runs meanwhile leaves it alone.
    manifest["metadata"]["ownerReferences"][0] |= {"kind": "RunnerPool", "name": "default"}
    return manifest


async def test_a_cron_job_lacks_nothing_after_the_api_servers_defaults(
    cluster: Cluster, namespace: str
) -> None:
    manifest = await make_cron_job(cluster, namespace)
    applied = await cluster.apply(manifest)
    assert not lacks(applied, manifest)


async def find_fired_job(cluster: Cluster, key: Key) -> FiredJob | None:
    """Give what the follower tells of a Job that is there."""
    async for told in cluster.follow(Kind.JOB):
        if isinstance(told, InSync):
            return None
        if told.key == key:
            return told.fired_job
    return None


def list_names(kubectl: Kubectl, namespace: str) -> list[str]:
    return [each["metadata"]["name"] for each in kubectl.list("jobs", namespace)]


async def test_the_jobs_of_a_schedule_tell_whose_they_are_and_for_which_slot(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    manifest = await cluster.apply(await make_cron_job(cluster, namespace))
    name = manifest["metadata"]["name"]
    kubectl.run("create", "job", "by-hand", f"--from=cronjob/{name}", "--namespace", namespace)
    by_hand = await find_fired_job(cluster, Key(Kind.JOB, namespace, "by-hand"))
    assert by_hand is not None
    assert (by_hand.slot, by_hand.cron_script.name, by_hand.cron_job.name) == (None, "nightly", name)
    kubectl.run("patch", "cronjob", name, "--namespace", namespace, "--type=merge", "-p", EACH_MINUTE)
    found = await asyncio.to_thread(
        until, lambda: [each for each in list_names(kubectl, namespace) if each.startswith(name)], 90
    )
    slot_job = await find_fired_job(cluster, Key(Kind.JOB, namespace, found[0]))
    assert slot_job is not None
    assert slot_job.slot is not None
    assert timedelta() <= slot_job.created - slot_job.slot < timedelta(minutes=1)


async def test_a_status_is_written_only_over_what_was_read(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    script = {"apiVersion": names.API_VERSION, "kind": "Script", "metadata": {"name": "hello"}}
    kubectl.apply(script | {"spec": {"source": "return 1"}}, namespace)
    found = await cluster.find_script(Key(Kind.SCRIPT, namespace, "hello"))
    assert found is not None
    kubectl.apply(script | {"spec": {"source": "return 2"}}, namespace)
    with pytest.raises(Outdated):
        await cluster.replace_status(found, {"version": 1})


async def test_what_is_not_there_is_none(cluster: Cluster, namespace: str) -> None:
    assert await cluster.find(Key(Kind.DEPLOYMENT, namespace, "none")) is None
    assert await cluster.find_tenant("there-is-no-such-namespace") is None
    assert await cluster.find_config_map(namespace, "none") is None
    assert not await cluster.has_pool_users(namespace)
    assert not await cluster.has_unfinished_runs(namespace)


async def test_a_namespace_that_is_not_there_takes_nothing(cluster: Cluster) -> None:
    with pytest.raises(Vanished):
        await cluster.apply(make_pool({}, "there-is-no-such-namespace"))


async def test_a_spec_that_the_api_server_refuses_is_a_refusal(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(ClusterRefused, match="replicas"):
        await cluster.apply(make_pool({"replicas": -1}, namespace))


async def test_our_kinds_are_served(cluster: Cluster) -> None:
    for kind in (Kind.SCRIPT, Kind.EXECUTION, Kind.RUNNER_POOL):
        assert await cluster.is_serving(kind)


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_kind_can_be_followed(cluster: Cluster, kind: Kind) -> None:
    async for told in cluster.follow(kind):
        if isinstance(told, InSync):
            break
        assert told.key.kind is kind
        assert told.uid
