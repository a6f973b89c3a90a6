"""RunnerPools as kopf tells of them; why by events is said beside the handler of Scripts."""

from typing import Any

import kopf

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.handlers import arrivals
from scriptorium_operator.services import pools


@kopf.on.event(names.GROUP, names.VERSION, "runnerpools")
async def take_note(type: str | None, body: kopf.Body, memo: Context, **_: Any) -> None:  # noqa: A002 - kopf's name.
    """Hand a RunnerPool over to the service."""
    is_gone = type == "DELETED"
    arrivals.note_arrival(memo, Kind.RUNNER_POOL, body, is_gone=is_gone)
    if not is_gone:
        pools.observe(memo, RunnerPool.from_stored(dict(body)))
