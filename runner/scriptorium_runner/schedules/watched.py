"""The calendar of one turn that follows from what the watch told."""

from datetime import datetime

from scriptorium_api.cron_script import CronScript, Executor
from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.executions.errors import Superseded, Vanished
from scriptorium_runner.schedules import decide, turn_times
from scriptorium_runner.schedules.cached import CachedCalendar
from scriptorium_runner.schedules.ports import ANY_VERSION, Calendar


class WatchedCalendar(CachedCalendar):
    """Reads by way of another calendar, and refuses a turn of a schedule that is not as it was told."""

    def __init__(self, calendar: Calendar, told: CronScript, now: datetime) -> None:
        super().__init__(calendar)
        self._told, self._now = told, now
        self._is_first = True

    async def read_cron_script(self, cron_script: CronScript) -> CronScript:
        """Give it as it is now; raises Vanished if it is not the pool's, Superseded if its slots changed."""
        current = await super().read_cron_script(cron_script)
        name = current.metadata.name
        if current.spec.executor is not Executor.POOL:
            raise Vanished(f"CronScript {name} is run by Jobs now")
        if not decide.has_same_terms(current.spec, self._told.spec):
            # By which terms its slots were to fire, and until when, the watch is about to tell.
            raise Superseded(f"CronScript {name} was changed")
        return current

    async def list_runs(self, cron_script: CronScript) -> list[ScriptExecution]:
        """Give all runs that this very CronScript made, ended or not; none, where none can matter.

        Where many schedules fire at once, what the API server has at hand is asked for first. It does if no
        run goes on by it, since one that began meanwhile is seen when it is looked again.
        """
        is_first, self._is_first = self._is_first, False
        if is_first and turn_times.needs_no_runs(cron_script, self._now):
            return []
        if is_first and turn_times.looks_again(cron_script, self._now):
            runs = await self.list_known_runs(cron_script, ANY_VERSION)
            if not decide.list_unfinished(cron_script, runs):
                return runs
        return await super().list_runs(cron_script)
