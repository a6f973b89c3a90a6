"""Events: told once, when a Script's runs begin to fail or to succeed again; never a reason to wait."""

import logging

from scriptorium_operator.build import outcome_event
from scriptorium_operator.context import Context
from scriptorium_operator.errors import OperatorError
from scriptorium_operator.facts import EndedRun, Key, Kind

log = logging.getLogger(__name__)


async def announce_for_ever(context: Context) -> None:
    """Announce one run after the other."""
    while True:
        run = await context.outbox.get()
        try:
            await announce(context, run)
        except OperatorError as error:
            log.warning("an event was not made", extra={"namespace": run.key.namespace, "error": str(error)})


async def announce(context: Context, run: EndedRun) -> None:
    """Make the Event on the run's Script, if that is still there."""
    script = await context.cluster.find_script(Key(Kind.SCRIPT, run.key.namespace, run.script))
    if script is not None:
        await context.cluster.announce(
            outcome_event.build_outcome_event(run, script.metadata.uid, context.now())
        )
