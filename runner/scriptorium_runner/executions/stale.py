"""What runs were told while scripts were switched off: taken back by a runner where they are switched on."""

import asyncio
import logging
from collections.abc import Callable

from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.executions import decide
from scriptorium_runner.executions import status as statuses
from scriptorium_runner.executions.errors import BoardError, Superseded, Unreachable
from scriptorium_runner.executions.ports import Board

log = logging.getLogger(__name__)


class StaleWords:
    """The runs that wait with words that are not true any more; one write for each, one after the other."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._uids: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def note(self, execution: ScriptExecution) -> bool:
        """Tell of a run that waits, as it is now; says whether there is anything to take back."""
        is_stale = execution.status.message == decide.HELD_BACK
        if is_stale:
            self._uids.add(execution.metadata.uid)
        else:
            self.forget(execution.metadata.uid)
        return is_stale

    def forget(self, uid: str) -> None:
        """Tell that a run does not wait any more."""
        self._uids.discard(uid)

    def take_back(self, find: Callable[[str], ScriptExecution | None]) -> None:
        """Begin to write; `find` gives a run as it is now if it is this runner's to write and not in hand."""
        if self._uids and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write_all(find), name="stale words")

    async def stop(self) -> None:
        """Write nothing more."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _write_all(self, find: Callable[[str], ScriptExecution | None]) -> None:
        for uid in sorted(self._uids):
            if execution := find(uid):
                await self._write(execution)

    async def _write(self, execution: ScriptExecution) -> None:
        try:
            await self._board.write_status(execution, statuses.build_let_go(execution))
        except (Superseded, Unreachable):
            return  # Noted still, if it says so still: tried again with whatever happens next.
        except BoardError as error:
            log.info("words not taken back", extra={"uid": execution.metadata.uid, "error": str(error)})
        self.forget(execution.metadata.uid)
