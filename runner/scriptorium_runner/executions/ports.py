"""What the loop needs from outside: a board where runs hang, and somebody who runs JavaScript."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.script import Script
from scriptorium_runner.executions.decide import Source, Start, Values
from scriptorium_runner.executions.outcome import Outcome

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript


class Board(Protocol):
    """Where runs and Scripts are found and statuses are written; raises the kinds of BoardError."""

    def find_script(self, namespace: str, name: str) -> Script | None:
        """Give a Script as it is now, if there is one."""

    def find_cron_script(self, namespace: str, name: str) -> "CronScript | None":
        """Give a CronScript as it is now, if there is one."""

    async def read_source(self, script: Script) -> Source:
        """Give the source of a Script as it is now."""

    def read_values(self, script: Script) -> Values:
        """Give what the names of a Script's env stand for at this moment."""

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""

    async def list_with_key(self, namespace: str, key: str) -> list[ScriptExecution]:
        """Give all runs with an idempotency key, as they are at this moment."""

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given, and give the run as it is then."""


class Sandbox(Protocol):
    """Runs one script and says how it ended; never raises for what a script did."""

    async def run(
        self, start: Start, context: Mapping[str, Any], stop: asyncio.Event, board: Board
    ) -> Outcome:
        """Run a script until its end, its limits, or `stop`; the outcome of a stop is Cancelled.

        The Scripts that it may call are those of the board.
        """
