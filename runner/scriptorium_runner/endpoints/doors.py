"""What auth asks of the outside, for one request."""

import time
from collections.abc import Mapping
from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.auth.key_sets import KeySets
from scriptorium_runner.endpoints.auth.ports import KeysUnavailable, ScriptFailed
from scriptorium_runner.endpoints.room import NoRoomNow, Room
from scriptorium_runner.endpoints.table import Work
from scriptorium_runner.engine import Held
from scriptorium_runner.executions import context
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.ports import Board
from scriptorium_runner.executions.sandbox import EngineSandbox, Question


@frozen(kw_only=True)
class Outside:
    """What all requests of a runner ask with."""

    sandbox: EngineSandbox
    board: Board
    room: Room
    held: Held
    """What the runner holds in memory for others."""
    key_sets: KeySets | None = None


@frozen
class RequestDoors:
    """The ways out that one request has before its script runs."""

    outside: Outside
    deciders: Mapping[str, Work | str]
    """The Scripts that decide who may call, or why they do not."""
    request_id: str
    traceparent: str

    def now(self) -> float:
        """Give the time in Unix seconds."""
        return time.time()

    async def fetch_keys(self, uri: str, *, anew: bool = False) -> Mapping[str, Any]:
        """Give a provider's JSON Web Key Set; raises KeysUnavailable."""
        if self.outside.key_sets is None:
            raise KeysUnavailable("this runner has no way out")
        return await self.outside.key_sets.fetch_keys(uri, anew=anew)

    async def ask_script(self, name: str, head: Mapping[str, Any]) -> Any:
        """Run a Script with the head of the request as input, and give its result; raises ScriptFailed."""
        work = self.deciders.get(name, f'Script "{name}" is not there')
        if isinstance(work, str):
            raise ScriptFailed(work)
        known = context.build_request_context(work.context, self.request_id, None)
        question = Question(context={**known, "input": dict(head)}, traceparent=self.traceparent)
        outside = self.outside
        try:
            async with outside.room.enter(work.name):
                result = await outside.sandbox.answer(work.prepared, question, outside.board)
        except (NoRoomNow, NoWorker) as error:
            raise ScriptFailed("there is no room for it") from error
        if result.reason is not Reason.COMPLETED:
            message = result.error.message if result.error is not None else ""
            raise ScriptFailed(f"{result.reason}: {message}")
        return result.output
