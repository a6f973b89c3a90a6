"""The calendar of one turn that takes lists from the API server's cache where those do."""

from datetime import datetime
from typing import Any

from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_runner.schedules import decide, turn_times
from scriptorium_runner.schedules.ports import ANY_VERSION, Calendar


class CachedCalendar:
    """Reads by way of another calendar.

    A list of what is now costs the API server every object of the namespace where its store cannot tell how
    fresh the cache is.
    """

    def __init__(self, calendar: Calendar, now: datetime) -> None:
        self._calendar, self._now = calendar, now
        self._is_first = True
        self._made: str | None = None

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give the CronScript as it is now; raises Vanished if that very object is gone."""
        return await self._calendar.read_cron_script(cron_script)

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give all runs that this very CronScript made, ended or not.

        What is in the cache does as far as it is new enough: before a slot is run, if no run goes on by it,
        since one that began meanwhile is seen afterwards; and then, if it has the run that was made.
        """
        is_first, self._is_first = self._is_first, False
        made, self._made = self._made, None
        if is_first and turn_times.looks_again(cron_script, self._now):
            runs = await self._calendar.list_known_runs(cron_script, ANY_VERSION)
            if not decide.list_unfinished(cron_script, runs):
                return runs
        if made is not None:
            return await self._calendar.list_known_runs(cron_script, made)
        return await self._calendar.list_runs(cron_script)

    async def list_known_runs(self, cron_script: CronScript, version: str) -> list[ScriptExecution]:
        """Give the runs as they were at this resource version or later."""
        return await self._calendar.list_known_runs(cron_script, version)

    async def make_run(self, manifest: dict[str, Any]) -> ScriptExecution:
        """Make the run, or give it if it is there already; raises Refused if its name is another's."""
        run = await self._calendar.make_run(manifest)
        self._made = run.metadata.resource_version
        return run

    async def read(self, execution: ScriptExecution) -> ScriptExecution:
        """Give the run as it is now; raises Vanished if that very object is gone."""
        return await self._calendar.read(execution)

    async def write_status(self, execution: ScriptExecution, status: ExecutionStatus) -> ScriptExecution:
        """Write the status if the run is still as given; raises Superseded if it is not."""
        return await self._calendar.write_status(execution, status)

    async def record(self, cron_script: CronScript, status: CronScriptStatus) -> None:
        """Write the status if the CronScript is still as given; raises Superseded if it is not."""
        await self._calendar.record(cron_script, status)
