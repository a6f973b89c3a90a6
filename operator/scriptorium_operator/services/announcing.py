"""Events: told once, of runs that begin to fail or to succeed again, and of slots that were not run."""

import logging

from scriptorium_operator.build import outcome_event, slots_event
from scriptorium_operator.context import Context
from scriptorium_operator.errors import OperatorError
from scriptorium_operator.facts import EndedRun, Key, Kind, UnrunSlots

log = logging.getLogger(__name__)


async def announce_for_ever(context: Context) -> None:
    """Announce one thing after the other; none is worth waiting for."""
    while True:
        news = await context.outbox.get()
        try:
            await announce(context, news)
        except OperatorError as error:
            log.warning("an event was not made", extra={"namespace": news.key.namespace, "error": str(error)})


async def announce(context: Context, news: EndedRun | UnrunSlots) -> None:
    """Make the Event on the object that it is about."""
    if isinstance(news, UnrunSlots):
        await context.cluster.announce(slots_event.build_slots_event(news, context.now()))
    else:
        await _announce_run(context, news)


async def _announce_run(context: Context, run: EndedRun) -> None:
    script = await context.cluster.find_script(Key(Kind.SCRIPT, run.key.namespace, run.script))
    if script is not None:
        await context.cluster.announce(
            outcome_event.build_outcome_event(run, script.metadata.uid, context.now())
        )
