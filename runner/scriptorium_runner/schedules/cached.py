"""The calendar of one turn that looks again in the API server's cache."""

from typing import Any

from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_runner.schedules.ports import Calendar, Made


class CachedCalendar:
    """Reads by way of another calendar.

    A list of what is now costs the API server every object of the namespace where its store cannot tell how
    fresh the cache is. Once a run was made, the cache does as soon as it has that.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._made: str | None = None

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give the CronScript as it is now; raises Vanished if that very object is gone."""
        return await self._calendar.read_cron_script(cron_script)

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give all runs that this very CronScript made, ended or not."""
        made, self._made = self._made, None
        if made is not None:
            return await self._calendar.list_known_runs(cron_script, made)
        return await self._calendar.list_runs(cron_script)

    async def list_known_runs(self, cron_script: CronScript, version: str) -> list[ScriptExecution]:
        """Give the runs as they were at this resource version or later."""
        return await self._calendar.list_known_runs(cron_script, version)

    async def make_run(self, manifest: dict[str, Any]) -> Made:
        """Make the run, or give it if it is there already; raises Refused if its name is another's."""
        made = await self._calendar.make_run(manifest)
        # One that was there may be older than others that have to be seen.
        self._made = made.run.metadata.resource_version if made.is_new else None
        return made

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""
        return await self._calendar.read(execution)

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given; raises Superseded if it is not."""
        return await self._calendar.write_status(execution, status)

    async def record(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        """Write the status if the CronScript is still as given; raises Superseded if it is not."""
        await self._calendar.record(cron_script, status)
