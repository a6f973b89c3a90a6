"""RunnerPools as kopf tells of them; why by events is said beside the handler of Scripts."""

from typing import Any

import kopf

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.context import Context
from scriptorium_operator.services import pools


@kopf.on.event(names.GROUP, names.VERSION, "runnerpools")
async def take_note(type: str | None, body: kopf.Body, memo: Context, **_: Any) -> None:  # noqa: A002 - kopf's name.
    """Hand a RunnerPool over to the service."""
    pool = RunnerPool.from_wire(dict(body))
    if type == "DELETED":
        pools.forget(memo, pool)
    else:
        pools.observe(memo, pool)
