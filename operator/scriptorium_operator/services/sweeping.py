"""The sweep: what no event tells, looked for now and then by one task for all namespaces."""

import asyncio
import logging

from scriptorium_operator.context import Context
from scriptorium_operator.errors import OperatorError
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services import pools

log = logging.getLogger(__name__)


async def sweep_for_ever(context: Context) -> None:
    """Sweep at the interval of the settings; an outage is waited out."""
    while True:
        await asyncio.sleep(context.settings.sweep_every.total_seconds())
        try:
            await sweep(context)
        except OperatorError as error:
            log.warning("sweep cut short", extra={"error": str(error)})


async def sweep(context: Context) -> None:
    """Remove idle pools, make missing ones, and follow the API server where it moved."""
    await pools.refresh_api_server(context)
    needed = {Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.ENDPOINT, Kind.EXECUTION, Kind.RUNNER_POOL}
    if not context.inventory.in_sync >= needed:
        return
    for pool in context.inventory.list_pools():
        await pools.remove_if_idle(context, pool)
    for namespace in context.inventory.list_namespaces_without_pool():
        context.work.add(Key(Kind.NAMESPACE, "", namespace))
