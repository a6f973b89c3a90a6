"""Endpoints: their Ingresses and inline Scripts in place, and their status true."""

import logging
from dataclasses import replace

from scriptorium_api.endpoints import references
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.script import Script
from scriptorium_operator.build import endpoint_status
from scriptorium_operator.context import Context
from scriptorium_operator.decide import endpoint_news, endpoint_places, endpoint_schemas
from scriptorium_operator.endpoint_facts import EndpointScene, IngressState
from scriptorium_operator.errors import ClusterRefused
from scriptorium_operator.facts import Key, Kind, Problem
from scriptorium_operator.services import ingresses, inline_scripts, pools

log = logging.getLogger(__name__)


def observe(context: Context, endpoint: Endpoint) -> None:
    """Take note of an Endpoint as it is now, and see to it."""
    key = Key(Kind.ENDPOINT, endpoint.metadata.namespace, endpoint.metadata.name)
    _remember(context, key, endpoint)
    context.work.add(key)


def forget(context: Context, endpoint: Endpoint) -> None:
    """Take note that an Endpoint is gone."""
    _forget(context, Key(Kind.ENDPOINT, endpoint.metadata.namespace, endpoint.metadata.name))


def _remember(context: Context, key: Key, endpoint: Endpoint) -> None:
    context.script_users.record(key, references.list_scripts(endpoint))


def _forget(context: Context, key: Key) -> None:
    context.script_users.forget(key)
    context.endpoints.reasons.pop(key, None)


async def reconcile(context: Context, key: Key) -> None:
    """Make what the Endpoint needs be there and its status be true; writes nothing where it is already.

    Before all Endpoints are told it waits: whose a host is could not be said. So it does while the follower
    has not told what this one asks for by now, and before the pool was looked at: after a restart every one
    would seem, for a moment, not to be served. Who finds these out asks for it again.
    """
    endpoint = await context.cluster.find_endpoint(key)
    if endpoint is None:
        _forget(context, key)
        return
    _remember(context, key, endpoint)
    if not context.inventory.in_sync >= {Kind.ENDPOINT, Kind.RUNNER_POOL}:
        return
    if not context.endpoints.knows(key, endpoint) or not pools.is_known(context, key.namespace):
        return
    try:
        await inline_scripts.put(context, Kind.ENDPOINT, endpoint.metadata, endpoint.spec.script)
        ingress = await _put_ingress(context, endpoint)
    except ClusterRefused as refusal:
        scene = await _look(context, endpoint, None)
        await _record(context, key, endpoint, replace(scene, problem=Problem("Refused", str(refusal))))
        raise
    await _record(context, key, endpoint, await _look(context, endpoint, ingress))


async def _put_ingress(context: Context, endpoint: Endpoint) -> IngressState | None:
    default_class = context.settings.runner.endpoints.ingress_class
    place = endpoint_places.find_place(endpoint, default_class)
    return await ingresses.ensure(context, place.key) if place else None


async def _look(context: Context, endpoint: Endpoint, ingress: IngressState | None) -> EndpointScene:
    namespace = endpoint.metadata.namespace
    script_name, *others = references.list_scripts(endpoint)
    return EndpointScene(
        standing=ingresses.find_standings(context, endpoint)[endpoint.metadata.uid],
        script_name=script_name,
        script=await _find_script(context, namespace, script_name),
        missing=tuple([name for name in others if await _find_script(context, namespace, name) is None]),
        ingress=ingress,
        pool=context.pool_states.get(namespace),
        secrets=references.list_secrets(endpoint),
        problem=endpoint_schemas.find_schema_trouble(endpoint),
    )


async def _find_script(context: Context, namespace: str, name: str) -> Script | None:
    return await context.cluster.find_script(Key(Kind.SCRIPT, namespace, name))


async def _record(context: Context, key: Key, endpoint: Endpoint, scene: EndpointScene) -> None:
    """Write the status if it says something else, and announce what is news."""
    status = endpoint_status.build_endpoint_status(endpoint, scene, context.now())
    if status != endpoint.status:
        await context.cluster.replace_status(endpoint, status.to_wire())
        if news := endpoint_news.find_news(key, endpoint, status):
            context.outbox.put(news)
    context.endpoints.reasons[key] = endpoint_news.find_readiness(status.conditions).reason
