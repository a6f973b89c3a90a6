"""One turn of a CronScript's slots in a pool's runner: what it began with, and how it ended."""

import logging
from datetime import datetime

from scriptorium_api.cron_script import CronScript, CronScriptSpec
from scriptorium_api.values import frozen
from scriptorium_runner.executions.errors import BoardError, Unreachable, Vanished
from scriptorium_runner.schedules import firing
from scriptorium_runner.schedules.firing import Fired, Turn
from scriptorium_runner.schedules.ports import Calendar
from scriptorium_runner.schedules.watched import WatchedCalendar

log = logging.getLogger(__name__)


@frozen
class Begin:
    """What was known when a turn began."""

    cron_script: CronScript
    former: CronScriptSpec | None
    now: datetime
    """Up to when slots are judged."""


@frozen
class End:
    """How a turn ended."""

    fired: Fired | None = None
    """What came of it; None if it failed."""
    retry_after: float = 0.0
    """For how many seconds the API server asked to be left alone."""


async def take_turn(calendar: Calendar, begin: Begin) -> End:
    """Fire the slots that are due, through all that may go wrong."""
    cron_script = begin.cron_script
    watched = WatchedCalendar(calendar, cron_script, begin.now)
    told = {"cronScript": cron_script.metadata.name}
    try:
        return End(await firing.fire(watched, cron_script, Turn(now=begin.now, former=begin.former)))
    except Vanished as gone:
        # Until the watch tells so too this may be about anything, and a slot would be lost in silence.
        log.info("slots not fired, nothing is there", extra=told | {"why": str(gone)})
        return End()
    except BoardError as error:
        log.warning("slots not fired, trying again", extra=told | {"error": str(error)})
        least = error.retry_after if isinstance(error, Unreachable) else None
        return End(retry_after=least or 0.0)
    except Exception:
        # A bug of ours must not take the clock, and every other schedule, with it.
        log.exception("cannot fire slots, trying again", extra=told)
        return End()
