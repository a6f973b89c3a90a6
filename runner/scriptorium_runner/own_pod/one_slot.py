"""One slot of a schedule in the pod of its Job: judged, and run if that is the verdict."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from scriptorium_api import cron_runs
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import CronScript, CronScriptSpec
from scriptorium_api.execution import Isolation, ScriptExecution
from scriptorium_api.values import frozen
from scriptorium_runner.executions.errors import BoardError, Unreachable, Vanished
from scriptorium_runner.schedules import decide, firing
from scriptorium_runner.schedules.cached import CachedCalendar
from scriptorium_runner.schedules.firing import Fired, Turn
from scriptorium_runner.schedules.ports import Calendar
from scriptorium_runner.settings import SlotWork
from scriptorium_runner.sources.slot_job import SlotJob

log = logging.getLogger(__name__)

T = TypeVar("T")

FollowRun = Callable[[ScriptExecution, CronScript, asyncio.Event], Awaitable[int]]

#: Between two tries while the API server does not answer; the Job's own deadline ends them.
RETRY_SECONDS = 2.0

#: The first and the longest pause between two looks at whether the run has ended that a slot waits for.
LOOK_SECONDS, MOST_LOOK_SECONDS = 2.0, 30.0


@frozen
class _Errand:
    """What the pod is there for, as it was found at the start."""

    cron_script: CronScript
    job: SlotJob

    @property
    def firer(self) -> Firer:
        """Give the Job as the runs name it that it makes."""
        return Firer(self.job.name, self.job.uid)


class SlotCalendar(Calendar, Protocol):
    """A calendar that finds a CronScript by what the pod was told of it."""

    async def find_cron_script(self, name: str, uid: str) -> CronScript:
        """Give the CronScript with this UID as it is now; raises Vanished if it is gone or going."""
        ...


@frozen
class Means:
    """What the pod finds out and does outside of the calendar."""

    find_job: Callable[[str], Awaitable[SlotJob]]
    """Reads a Job; raises BoardError, and Vanished if it is gone."""
    follow_run: FollowRun
    """Sees a run, of this CronScript as it was judged by, to its end, or until told to stop; gives the exit
    code."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class OneSlot:
    """A Job's slot, with those before it that nobody fired; or a run that was started by hand."""

    def __init__(self, calendar: SlotCalendar, means: Means, work: SlotWork) -> None:
        self._calendar, self._means, self._work = calendar, means, work
        self._is_fresh = False
        """Whether the CronScript was read just now."""

    async def follow(self, stopping: asyncio.Event) -> int:
        """See to it; gives 0 if all that was run succeeded, or nothing was to be run, else 1."""
        try:
            errand = await self._insist(self._find_errand)
            if errand.job.slot is None:
                manifest = cron_runs.build_run(errand.cron_script, None, errand.firer)
                made = await self._insist(lambda: self._calendar.make_run(manifest))
                return await self._run(made.run, errand.cron_script, stopping)
            return await self._fire(errand, errand.job.slot, stopping)
        except Vanished as gone:
            log.info("nothing to do", extra={"cause": str(gone)})
            return 0

    async def _find_errand(self) -> _Errand:
        job = await self._means.find_job(self._work.job)
        cron_script = await self._calendar.find_cron_script(self._work.cron_script, self._work.uid)
        self._is_fresh = True
        return _Errand(cron_script, job)

    async def _fire(self, errand: _Errand, slot: datetime, stopping: asyncio.Event) -> int:
        """Run what the slot comes to, and the slots that wait behind that, one after another."""
        await self._wait_until(cron_runs.find_start(errand.cron_script, slot), stopping)
        if former := self._find_former(errand.cron_script.spec):
            # It was fired by terms that are no more: what they left is recorded, and nothing of it is run.
            change = Turn(now=errand.job.created, former=former, firer=errand.firer)
            await self._insist(partial(firing.fire, self._calendar, errand.cron_script, change))
            return 0
        turn, code = Turn(now=errand.job.created, slot=slot, firer=errand.firer), 0
        pause = LOOK_SECONDS
        while not stopping.is_set():
            fired = await self._insist(partial(self._judge, errand.cron_script, turn))
            if fired.run is not None and fired.cron_script is not None:
                code |= await self._run(fired.run, fired.cron_script, stopping)
                pause = LOOK_SECONDS
            elif fired.is_waiting:
                # Many pods may wait for the same run, and it may be a long one.
                await _wait(pause * random.uniform(0.5, 1), stopping)  # noqa: S311 - spreads looks.
                pause = min(2 * pause, MOST_LOOK_SECONDS)
            if not fired.is_waiting:
                return code
            turn = replace(turn, now=self._means.now())
        return 1

    async def _judge(self, cron_script: CronScript, turn: Turn) -> Fired:
        """Judge the slot; what was read at the start serves once, and no later than at once."""
        is_fresh, self._is_fresh = self._is_fresh, False
        if is_fresh and decide.may_be_old(cron_script.spec):
            return await firing.fire_as_read(CachedCalendar(self._calendar), cron_script, turn)
        return await firing.fire(self._calendar, cron_script, turn)

    def _find_former(self, spec: CronScriptSpec) -> CronScriptSpec | None:
        """Give the terms by which the Job was fired, where the schedule has others now."""
        if self._work.schedule is None:
            return None
        terms = {"schedule": self._work.schedule, "time_zone": self._work.time_zone or "UTC"}
        former = spec.model_copy(update=terms)
        return None if decide.has_same_terms(former, spec) else former

    async def _wait_until(self, moment: datetime, stopping: asyncio.Event) -> None:
        while (left := (moment - self._means.now()).total_seconds()) > 0 and not stopping.is_set():
            self._is_fresh = False
            await _wait(left, stopping)

    async def _run(self, run: ScriptExecution, cron_script: CronScript, stopping: asyncio.Event) -> int:
        if run.spec.isolation is not Isolation.POD:
            log.info("the pool runs it", extra={"run": run.metadata.name})
            return 0
        return await self._means.follow_run(run, cron_script, stopping)

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, and be it that the CronScript or the Job is gone."""
        while True:
            try:
                return await ask()
            except Vanished:
                raise
            except BoardError as error:
                log.warning("slot not judged yet, trying again", extra={"error": str(error)})
                after = error.retry_after if isinstance(error, Unreachable) else None
                await asyncio.sleep(max(RETRY_SECONDS, after or 0))


async def _wait(seconds: float, stopping: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
