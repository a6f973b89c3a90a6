"""Files as a calendar: the CronScripts of this machine, and the runs of their slots."""

from collections.abc import Callable
from typing import Any

from scriptorium_api.cron_script import CronScript, CronScriptStatus, Miss
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_runner.executions.errors import Superseded, Vanished
from scriptorium_runner.schedules.ports import Made
from scriptorium_runner.sources.files import FileBoard


class FileCalendar:
    """The CronScripts of a board of files; one session alone fires them."""

    def __init__(
        self,
        board: FileBoard,
        on_run: Callable[[ScriptExecution], None],
        on_miss: Callable[[CronScript, Miss], None],
    ) -> None:
        self.board, self._on_run, self._on_miss = board, on_run, on_miss

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give the CronScript as it is now; raises Vanished if it is in no file any more."""
        metadata = cron_script.metadata
        current = self.board.find_cron_script(metadata.namespace, metadata.name)
        if current is None:
            raise Vanished(f"CronScript {metadata.name} was removed")
        return current

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give the runs that the CronScript made, those that ended as long as their slot is not counted."""
        return self.board.list_fired(cron_script)

    async def list_known_runs(self, cron_script: CronScript, version: str) -> list[ScriptExecution]:
        """Give the runs as they are."""
        return await self.list_runs(cron_script)

    async def make_run(self, manifest: dict[str, Any]) -> Made:
        """Make the run, or give it if it is there already; raises Vanished if its CronScript is gone."""
        wanted = ScriptExecution.from_wire(manifest)
        cron_script = self.board.find_cron_script(wanted.metadata.namespace, _find_owner(wanted))
        if cron_script is None:
            raise Vanished(f"CronScript {_find_owner(wanted)} was removed")
        for run in self.board.list_fired(cron_script):
            if run.metadata.name == wanted.metadata.name:
                return Made(run, is_new=False)
        made = self.board.add(wanted)
        self._on_run(made)
        return Made(made, is_new=True)

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if it has ended."""
        return await self.board.read(execution)

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given; raises Superseded if it is not."""
        return await self.board.write_status(execution, status)

    async def record(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        """Write the status if the CronScript is still as given; raises Superseded if it is not."""
        current = await self.read_cron_script(cron_script)
        if current.metadata.resource_version != cron_script.metadata.resource_version:
            raise Superseded(cron_script.metadata.name)
        self.put(cron_script, status)

    def put(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        """Write the status, and tell of the slots in it that were not run."""
        written = self.board.put_cron_script(cron_script, status)
        for miss in status.misses:
            if miss not in cron_script.status.misses:
                self._on_miss(written, miss)


def _find_owner(execution: ScriptExecution) -> str:
    return execution.spec.fired_by.cron_script if execution.spec.fired_by else ""
