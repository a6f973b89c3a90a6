"""CronScripts as kopf tells of them; why by events is said beside the handler of Scripts."""

from typing import Any

import kopf

from scriptorium_api import names
from scriptorium_api.cron_script import CronScript
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.handlers import arrivals
from scriptorium_operator.services import cron_scripts


@kopf.on.event(names.GROUP, names.VERSION, "cronscripts")
async def take_note(type: str | None, body: kopf.Body, memo: Context, **_: Any) -> None:  # noqa: A002 - kopf's name.
    """Hand a CronScript over to the service."""
    is_gone = type == "DELETED"
    arrivals.note_arrival(memo, Kind.CRON_SCRIPT, body, is_gone=is_gone)
    cron_script = CronScript.from_stored(dict(body))
    (cron_scripts.forget if is_gone else cron_scripts.observe)(memo, cron_script)
