"""Clearing: ended runs that are too many, too old or too large are removed, a few at a time."""

import asyncio
import logging

from scriptorium_operator.context import Context
from scriptorium_operator.errors import ClusterUnavailable, OperatorError, Vanished
from scriptorium_operator.facts import EndedRun, Kind

log = logging.getLogger(__name__)

#: Seconds between two rounds.
ROUND = 1.0

#: Removals a second at rest. While more runs end than that, half as many again as end are removed.
LEAST_RATE, HEADROOM = 10, 1.5


async def clear_for_ever(context: Context) -> None:
    """Remove what is to be removed, round by round."""
    noted = context.history.noted
    while True:
        await asyncio.sleep(ROUND)
        if not {Kind.SCRIPT, Kind.EXECUTION} <= context.inventory.in_sync:
            continue
        left = context.history.doom(context.now(), context.inventory.is_script)
        if left:
            await clear(context, compute_rate(context.history.noted - noted))
        noted = context.history.noted


def compute_rate(ended: int) -> int:
    """Give how many runs one round may remove, given how many ended since the last."""
    return max(LEAST_RATE, int(ended * HEADROOM))


async def clear(context: Context, most: int) -> None:
    """Remove the next runs, at most so many."""
    runs = context.history.take_doomed(most)
    await asyncio.gather(*(_remove(context, run) for run in runs))


async def _remove(context: Context, run: EndedRun) -> None:
    try:
        await context.cluster.delete(run.key, run.uid)
    except Vanished:
        return
    except ClusterUnavailable:
        # Nobody is told each round that the API server is away; others say so.
        context.history.give_back(run)
    except OperatorError as error:
        log.warning(
            "cannot remove an ended run",
            extra={"namespace": run.key.namespace, "object": run.key.name, "error": str(error)},
        )
        context.history.give_back(run)
