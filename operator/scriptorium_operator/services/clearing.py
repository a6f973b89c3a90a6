"""Clearing: ended runs that are too many, too old or too large are removed, a few at a time."""

import asyncio
import logging

from scriptorium_operator.context import Context
from scriptorium_operator.errors import ClusterUnavailable, OperatorError, Vanished
from scriptorium_operator.facts import EndedRun, Kind

log = logging.getLogger(__name__)

#: Seconds between two rounds.
ROUND = 1.0

#: The longest pause while nothing can be removed.
LONGEST_PAUSE = 60.0

#: Removals a second at rest. While more runs end than that, half as many again as end are removed.
LEAST_RATE, HEADROOM = 10, 1.5


async def clear_for_ever(context: Context) -> None:
    """Remove what is to be removed, round by round."""
    pause, noted = ROUND, context.history.noted
    while True:
        await asyncio.sleep(pause)
        ended, noted = context.history.noted - noted, context.history.noted
        if not {Kind.SCRIPT, Kind.CRON_SCRIPT, Kind.EXECUTION} <= context.inventory.in_sync:
            # What is told at the start has ended long ago.
            continue
        left = context.history.doom(context.now(), context.inventory.is_there)
        if left and not await clear(context, compute_rate(ended)):
            pause = min(pause * 2, LONGEST_PAUSE)
        else:
            pause = ROUND


def compute_rate(ended: int) -> int:
    """Give how many runs one round may remove, given how many ended since the last."""
    return max(LEAST_RATE, int(ended * HEADROOM))


async def clear(context: Context, most: int) -> bool:
    """Remove the next runs, at most so many; say whether any could be removed."""
    runs = context.history.take_doomed(most)
    return any(await asyncio.gather(*(_remove(context, run) for run in runs)))


async def _remove(context: Context, run: EndedRun) -> bool:
    try:
        await context.cluster.delete(run.key, run.uid)
    except Vanished:
        return True
    except ClusterUnavailable:
        # Nobody is told each round that the API server is away; others say so.
        context.history.give_back(run)
    except OperatorError as error:
        log.warning(
            "cannot remove an ended run",
            extra={"namespace": run.key.namespace, "object": run.key.name, "error": str(error)},
        )
        context.history.give_back(run)
    else:
        return True
    return False
