"""Pools: their objects in place, their status true, and the pools themselves where they are needed."""

import logging
from dataclasses import replace

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool, RunnerPoolStatus
from scriptorium_operator.build import default_pool, pool_objects, pool_states, pool_status
from scriptorium_operator.build.runner_pod import Place, build_place
from scriptorium_operator.context import Context
from scriptorium_operator.decide import api_server, env_values, pool_needs
from scriptorium_operator.decide.pool_needs import PoolFate, PoolUse
from scriptorium_operator.endpoint_facts import PoolState
from scriptorium_operator.errors import ClusterRefused
from scriptorium_operator.facts import OPTIONAL_POOL_PARTS, Address, Key, Kind, Manifest, PoolValues, Tenant
from scriptorium_operator.gateways import reading
from scriptorium_operator.notices import Notice
from scriptorium_operator.services import objects

log = logging.getLogger(__name__)


def observe(context: Context, pool: RunnerPool) -> None:
    """See to a pool that kopf told of."""
    context.work.add(Key(Kind.RUNNER_POOL, pool.metadata.namespace, pool.metadata.name))


async def reconcile(context: Context, key: Key) -> None:
    """Make the pool's objects be as the pool says; writes nothing where they are already.

    Before all Scripts and Endpoints are told it waits: half of them would take away, for a moment, what
    running pods have mounted, and all would be replaced twice. The followers ask for every pool again when
    they are.
    """
    if not context.inventory.in_sync >= {Kind.SCRIPT, Kind.ENDPOINT}:
        return
    pool = await context.cluster.find_pool(key)
    tenant = await context.cluster.find_tenant(key.namespace)
    if pool is None or tenant is None or pool.metadata.deletion_timestamp is not None:
        return
    values = env_values.decide_values(context.named_values.list_values(key.namespace))
    try:
        deployment = await _put_objects(context, pool, tenant, values)
    except ClusterRefused as refusal:
        await _record(context, pool, pool_status.build_refused_status(pool, str(refusal), context.now()))
        known = context.pool_states.get(key.namespace)
        note_state(context, key.namespace, known or PoolState(is_serving=pool.status.ready > 0))
        raise
    counts = reading.read_counts(deployment)
    required = context.settings.runner.requires_landlock
    status = pool_status.build_pool_status(pool, counts, context.now(), values, requires_landlock=required)
    await _record(context, pool, status)
    former = context.pool_states.get(key.namespace)
    note_state(context, key.namespace, pool_states.find_state(pool, counts, values, former))


def is_known(context: Context, namespace: str) -> bool:
    """Say whether it is known what a namespace's pool is like, be it that there is none."""
    return namespace in context.pool_states or not context.inventory.has_pool(namespace)


def note_state(context: Context, namespace: str, state: PoolState | None) -> None:
    """Note what was found of a pool, or that there is none; whom it serves is looked at if that is news."""
    if context.pool_states.get(namespace) == state:
        return
    if state is None:
        del context.pool_states[namespace]
    else:
        context.pool_states[namespace] = state
    for key in context.inventory.list_users(Kind.ENDPOINT, namespace):
        context.work.add(key)


async def _put_objects(context: Context, pool: RunnerPool, tenant: Tenant, values: PoolValues) -> Manifest:
    """Apply what is missing or different; gives the live Deployment, which comes last."""
    addresses = await find_api_server(context)
    live: Manifest = {}
    manifests = pool_objects.build_pool_objects(pool, tenant, addresses, context.settings, values.mounted)
    for manifest in manifests:
        live = await objects.put(context, manifest)
    wanted = {manifest["kind"] for manifest in manifests}
    for kind in OPTIONAL_POOL_PARTS:
        if kind not in wanted:
            await _remove_part(context, pool, kind)
    return live


async def _remove_part(context: Context, pool: RunnerPool, kind: Kind) -> None:
    key = Key(kind, pool.metadata.namespace, names.pool_object_name(pool.metadata.name))
    live = await context.cluster.find(key)
    if live is not None and reading.is_owned_by(live, pool.metadata.uid):
        await context.cluster.delete(key, live["metadata"]["uid"])


async def _record(context: Context, pool: RunnerPool, status: RunnerPoolStatus) -> None:
    if status != pool.status:
        await context.cluster.replace_status(pool, status.to_wire())


async def find_api_server(context: Context) -> list[Address]:
    """Give where the API server is and was, as it was found out last."""
    return context.inventory.api_server or await refresh_api_server(context)


async def refresh_api_server(context: Context) -> list[Address]:
    """Find out where the API server is; if it moved, every pool's policy has to follow."""
    former = context.inventory.api_server
    addresses = api_server.remember(former, await context.cluster.find_api_server())
    if addresses != former:
        context.inventory.api_server = addresses
        for pool in context.inventory.list_pools():
            context.work.add(pool.key)
        # Their pods deny scripts these addresses.
        for key in context.inventory.list_users(Kind.CRON_SCRIPT):
            context.work.add(key)
    return addresses


async def find_place(context: Context, namespace: str) -> Place | None:
    """Give where a pod of the namespace belongs, once all of its pool is there: the Deployment comes last."""
    pool = await context.cluster.find_pool(Key(Kind.RUNNER_POOL, namespace, names.DEFAULT_POOL))
    tenant = await context.cluster.find_tenant(namespace)
    if pool is None or tenant is None or not await _has_deployment(context, pool):
        return None
    return build_place(pool, tenant, await find_api_server(context), context.settings)


async def _has_deployment(context: Context, pool: RunnerPool) -> bool:
    name = names.pool_object_name(pool.metadata.name)
    return await context.cluster.find(Key(Kind.DEPLOYMENT, pool.metadata.namespace, name)) is not None


async def ensure_pool(context: Context, key: Key) -> None:
    """Make the default pool of a namespace, if something there needs one and none is there."""
    pool_key = Key(Kind.RUNNER_POOL, key.name, names.DEFAULT_POOL)
    if await context.cluster.find(pool_key) is not None:
        return
    is_needed = context.inventory.has_users(key.name) or await context.cluster.has_unfinished_runs(key.name)
    if not is_needed or await context.cluster.find_tenant(key.name) is None:
        return
    context.inventory.note_need(key.name, context.now())
    made = await context.cluster.apply(default_pool.build_default_pool(key.name))
    if reading.has_other_managers(made):
        # A user made one in the same moment: it is theirs, and must not look as if it were ours.
        await context.cluster.apply(default_pool.build_bare_pool(key.name))
    else:
        log.info("pool made", extra={"namespace": key.name, "object": names.DEFAULT_POOL})


async def remove_if_idle(context: Context, pool: Notice) -> None:
    """Remove a pool that we made, once nothing has needed it for long enough."""
    now, namespace, idle = context.now(), pool.key.namespace, context.settings.pool_idle
    told = PoolUse(
        is_ours=pool.labels.get("app.kubernetes.io/managed-by") == names.MANAGER,
        has_users=context.inventory.has_users(namespace),
        has_unfinished_runs=False,
        last_needed=context.inventory.last_needed(namespace, now),
    )
    if pool_needs.decide_fate(told, now, idle) is not PoolFate.IDLE:
        return
    # What followers tell may be late, and they do not tell phases: what is there at this moment counts.
    found = replace(
        told,
        has_users=await context.cluster.has_pool_users(namespace),
        has_unfinished_runs=await context.cluster.has_unfinished_runs(namespace),
    )
    if pool_needs.decide_fate(found, now, idle) is PoolFate.IDLE:
        await context.cluster.delete(pool.key, pool.uid)
        log.info("idle pool removed", extra={"namespace": namespace, "object": pool.key.name})
    else:
        context.inventory.note_need(namespace, now)
