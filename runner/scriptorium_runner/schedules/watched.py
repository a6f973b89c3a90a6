"""The calendar of one turn that follows from what the watch told."""

from datetime import datetime
from typing import Any

from scriptorium_api.cron_script import CronScript, CronScriptStatus, Executor
from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_runner.executions.errors import Superseded, Vanished
from scriptorium_runner.schedules import decide, turn_times
from scriptorium_runner.schedules.ports import Calendar

#: Whatever the API server has at hand, however old.
ANY_VERSION = "0"


class WatchedCalendar:
    """Reads by way of another calendar, and refuses a turn of a schedule that is not as it was told."""

    def __init__(self, calendar: Calendar, told: CronScript, now: datetime) -> None:
        self._calendar, self._told, self._now = calendar, told, now
        self._is_first = True
        self._made: str | None = None

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give it as it is now; raises Vanished if it is not the pool's, Superseded if its slots changed."""
        current = await self._calendar.read_cron_script(cron_script)
        name = current.metadata.name
        if current.spec.executor is not Executor.POOL:
            raise Vanished(f"CronScript {name} is run by Jobs now")
        if not decide.has_same_terms(current.spec, self._told.spec):
            # By which terms its slots were to fire, and until when, the watch is about to tell.
            raise Superseded(f"CronScript {name} was changed")
        return current

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give all runs that this very CronScript made, ended or not; none, where none can matter.

        Where many schedules fire at once, what the API server has at hand is asked for as far as it is new
        enough: before a slot is run, if no run goes on by it, since one that began meanwhile is seen
        afterwards; and then, if it has the run that was made.
        """
        is_first, self._is_first = self._is_first, False
        made, self._made = self._made, None
        if is_first and turn_times.needs_no_runs(cron_script, self._now):
            return []
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
