"""Scripts as kopf tells of them.

One handler takes note of every event, of what exists at start too, and leaves the work to the queue: that
takes one object at a time, reads it anew, and tries again after a failure. With kopf's own change handlers
each change of a Script would cost a second write, and the operator would need the right to change Scripts.
"""

from typing import Any

import kopf

from scriptorium_api import names
from scriptorium_api.script import Script
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.handlers import arrivals
from scriptorium_operator.services import scripts


@kopf.on.event(names.GROUP, names.VERSION, "scripts")
async def take_note(type: str | None, body: kopf.Body, memo: Context, **_: Any) -> None:  # noqa: A002 - kopf's name.
    """Hand a Script over to the service."""
    arrivals.note_arrival(memo, Kind.SCRIPT, body, is_gone=type == "DELETED")
    script = Script.from_stored(dict(body))
    if type == "DELETED":
        scripts.forget(memo, script)
    else:
        scripts.observe(memo, script)
