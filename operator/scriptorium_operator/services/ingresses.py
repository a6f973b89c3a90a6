"""Ingresses: one for each host, class and TLS Secret of a namespace, as long as an Endpoint is in it."""

import logging
from collections.abc import Mapping, Sequence

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_operator.build import ingress
from scriptorium_operator.context import Context
from scriptorium_operator.decide import endpoint_places, endpoint_standings
from scriptorium_operator.endpoint_facts import IngressState, Standing
from scriptorium_operator.facts import Key, Kind, Manifest
from scriptorium_operator.gateways import reading_endpoints
from scriptorium_operator.services import objects

log = logging.getLogger(__name__)


async def reconcile(context: Context, key: Key) -> None:
    """Make an Ingress be as its Endpoints say, or not be there; those that see it elsewhere are looked at.

    Before all Endpoints are told it waits: half of them would take away the paths of the others.
    """
    if Kind.ENDPOINT in context.inventory.in_sync:
        await ensure(context, key)


async def ensure(context: Context, key: Key) -> IngressState | None:
    """Make the Ingress be right; gives what it tells of itself, or None if no Endpoint has a place in it."""
    manifest = _build(context, key)
    live = await context.cluster.find(key)
    if manifest is None:
        context.endpoints.states.pop(key, None)
        if live is not None and reading_endpoints.is_of_endpoints(live):
            await context.cluster.delete(key, live["metadata"]["uid"])
            log.info("ingress removed", extra={"namespace": key.namespace, "object": key.name})
        return None
    state = reading_endpoints.read_ingress(await objects.put_over(context, manifest, live))
    former = context.endpoints.states.get(key)
    context.endpoints.states[key] = state
    if former not in (None, state):
        for member in context.endpoints.list_members(key):
            context.work.add(member)
    return state


def find_standings(context: Context, endpoint: Endpoint) -> Mapping[str, Standing]:
    """Give what each Endpoint of a host has of what it asks for, by its UID."""
    index, rules = context.endpoints, context.settings.runner.endpoints.allowed_hosts
    return index.derive(
        endpoint, "standings", lambda: endpoint_standings.judge(index.list_rivals(endpoint), rules)
    )


def _build(context: Context, key: Key) -> Manifest | None:
    members = [context.endpoints.find(member) for member in context.endpoints.list_members(key)]
    if not members:
        return None
    return context.endpoints.derive(members[0], key, lambda: _build_of(context, members))


def _build_of(context: Context, members: Sequence[Endpoint]) -> Manifest | None:
    # All of an Ingress have one host, so all of them have the same rivals.
    standings = find_standings(context, members[0])
    served = [each for each in members if standings[each.metadata.uid].is_served]
    place = endpoint_places.find_place(members[0], context.settings.runner.endpoints.ingress_class)
    return ingress.build_ingress(place, served) if served and place else None
