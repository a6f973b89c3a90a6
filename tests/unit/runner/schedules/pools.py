"""Runners of one pool that fire from one calendar in memory, by a clock that the test sets."""

import asyncio
from datetime import datetime, timedelta

from scriptorium_api.cron_script import CronScript
from scriptorium_api.execution import ScriptExecution
from scriptorium_runner.schedules.ticker import Standing, Ticker
from tests.unit.runner.schedules.fakes import MemoryCalendar


class Pool:
    """So many runners, the first in the order first; each is told of all changes at once, unless deaf."""

    def __init__(self, *cron_scripts: CronScript, now: datetime, runners: int = 1) -> None:
        self.time = now
        self.is_heard = True
        self.deaf: set[int] = set()
        self.dead: set[int] = set()
        self.calendar = MemoryCalendar(now=lambda: self.time, tell=self._tell, tell_run=self._tell_run)
        self.tickers = [
            Ticker(self.calendar, self._stand(place), now=lambda: self.time) for place in range(runners)
        ]
        for cron_script in cron_scripts:
            self.calendar.put(cron_script)

    def _stand(self, place: int) -> Standing:
        return Standing(rank=lambda _: place, may_fire=lambda: self.is_heard)

    def _list_hearing(self) -> list[Ticker]:
        return [ticker for place, ticker in enumerate(self.tickers) if place not in self.deaf]

    def _tell(self, cron_script: CronScript) -> None:
        for ticker in self._list_hearing():
            ticker.keep(cron_script)

    def _tell_run(self, run: ScriptExecution) -> None:
        for ticker in self._list_hearing():
            if run.status.phase.is_terminal:
                ticker.note_end(run.metadata.uid)
            elif run.spec.fired_by:
                ticker.note_run(run.metadata.uid, run.spec.fired_by.cron_script)

    async def settle(self) -> None:
        """Let all do what is due at this moment."""
        living = [ticker for place, ticker in enumerate(self.tickers) if place not in self.dead]
        async with asyncio.timeout(30):
            while True:
                for ticker in living:
                    ticker.look()
                if all(ticker.is_idle for ticker in living):
                    return
                await asyncio.sleep(0)

    async def pass_time(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass, in steps."""
        end = self.time + timedelta(seconds=seconds)
        while self.time < end:
            self.time = min(end, self.time + timedelta(seconds=step))
            await self.settle()

    async def reach(self, moment: datetime) -> None:
        """Set the clock to a moment."""
        self.time = moment
        await self.settle()
