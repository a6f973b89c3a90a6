"""Events: told once, of runs that begin to fail or to succeed again, slots not run, Endpoints."""

import logging

from scriptorium_operator.build import endpoint_event, outcome_event, slots_event
from scriptorium_operator.context import Context
from scriptorium_operator.cron_facts import UnrunSlots
from scriptorium_operator.endpoint_facts import EndpointNews
from scriptorium_operator.errors import OperatorError
from scriptorium_operator.facts import EndedRun, Key, Kind
from scriptorium_operator.services.outbox import News

log = logging.getLogger(__name__)


async def announce_for_ever(context: Context) -> None:
    """Announce one thing after the other; none is worth waiting for."""
    while True:
        news = await context.outbox.get()
        try:
            await announce(context, news)
        except OperatorError as error:
            log.warning("an event was not made", extra={"namespace": news.key.namespace, "error": str(error)})


async def announce(context: Context, news: News) -> None:
    """Make the Event on the object that it is about."""
    if isinstance(news, UnrunSlots):
        await context.cluster.announce(slots_event.build_slots_event(news, context.now()))
    elif isinstance(news, EndpointNews):
        await context.cluster.announce(endpoint_event.build_endpoint_event(news, context.now()))
    else:
        await _announce_run(context, news)


async def _announce_run(context: Context, run: EndedRun) -> None:
    script = await context.cluster.find_script(Key(Kind.SCRIPT, run.key.namespace, run.script))
    if script is not None:
        await context.cluster.announce(
            outcome_event.build_outcome_event(run, script.metadata.uid, context.now())
        )
