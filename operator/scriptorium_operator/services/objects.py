"""Objects that we make: applied where something is missing or different, and only over what was read."""

import logging

from scriptorium_operator.context import Context
from scriptorium_operator.decide import drift, ownership
from scriptorium_operator.facts import Key, Kind, Manifest
from scriptorium_operator.gateways import reading

log = logging.getLogger(__name__)


async def put(context: Context, manifest: Manifest) -> Manifest:
    """Make the live object have what the manifest says, without a write if it has; gives the live object."""
    metadata = manifest["metadata"]
    key = Key(Kind(manifest["kind"]), metadata["namespace"], metadata["name"])
    return await put_over(context, manifest, await context.cluster.find(key))


async def put_over(context: Context, manifest: Manifest, live: Manifest | None) -> Manifest:
    """As `put`, over the live object as it was read."""
    if live is not None and not drift.lacks(live, manifest):
        return live
    if live is not None:
        ownership.check_owner(
            manifest["kind"], reading.find_controller(live), reading.find_controller(manifest)
        )
    applied = await context.cluster.apply(manifest, live)
    metadata = manifest["metadata"]
    log.info(
        "object applied",
        extra={"kind": manifest["kind"], "namespace": metadata["namespace"], "object": metadata["name"]},
    )
    return applied


async def remove_owned(context: Context, uid: str, key: Key) -> None:
    """Remove an object, if it is there and this one's."""
    live = await context.cluster.find(key)
    if live is not None and reading.is_owned_by(live, uid):
        await context.cluster.delete(key, live["metadata"]["uid"])
        log.info(
            "object removed", extra={"kind": key.kind.value, "namespace": key.namespace, "object": key.name}
        )
