"""What firing needs from outside: where CronScripts and their runs are found, made and recorded."""

from typing import Any, Protocol

from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.values import frozen

#: Whatever the API server has at hand, however old.
ANY_VERSION = "0"


@frozen
class Made:
    """A run that was to be made."""

    run: ScriptExecution
    is_new: bool
    """Whether it was made now, and was not there already."""


class Calendar(Protocol):
    """The CronScripts and their runs, as they are at this moment; raises the kinds of BoardError."""

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give the CronScript as it is now; raises Vanished if that very object is gone."""

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give all runs that this very CronScript made, ended or not."""

    async def list_known_runs(self, cron_script: CronScript, version: str) -> list[ScriptExecution]:
        """Give those runs as they were at this resource version or at any later moment; 0 is any."""

    async def make_run(self, manifest: dict[str, Any]) -> Made:
        """Make the run, or give it if it is there already; raises Refused if its name is another's."""

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given; raises Superseded if it is not."""

    async def record(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        """Write the status if the CronScript is still as given; raises Superseded if it is not."""
