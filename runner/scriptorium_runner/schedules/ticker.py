"""The clock of a pool: fires the slots of the CronScripts whose executor is Pool.

Every runner of the pool has the same list. All agree on an order for each CronScript, as they do for runs:
the first fires a slot at once, the next ones only if nobody has judged it until their moment, as the watch
tells. Should two fire it nevertheless, its run is still one.
"""

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime

from scriptorium_api import schedule_problems
from scriptorium_api.cron_script import CronScript, Executor
from scriptorium_api.values import frozen
from scriptorium_runner.executions.alarms import Alarms
from scriptorium_runner.schedules import entries, turn_taking, turn_times
from scriptorium_runner.schedules.entries import NEVER, Entry
from scriptorium_runner.schedules.open_runs import OpenRuns
from scriptorium_runner.schedules.ports import Calendar
from scriptorium_runner.schedules.turn_taking import Begin, End

#: Seconds that each next runner in the order leaves to those before it. Longer than for runs: in a minute of
#: many slots the first has to get through all of its own before others may take it for gone, and their doing
#: the same would hold it up. One that is gone leaves the order by itself.
STEP_SECONDS = 10.0

#: How many CronScripts are seen to at once. More would be no faster, and would hold up the runs themselves.
MOST_TURNS = 16

#: The clock is looked at this often at least: it may be set, and stands still while a machine sleeps.
LONGEST_PAUSE = 30.0

#: A runner that the others cannot hear looks again this soon.
UNHEARD_SECONDS = 1.0

#: Before slots that wait for the end of a run are looked at again, if nobody tells of that end.
WAITING_SECONDS = 30.0

#: The first pause and the longest after a turn of which nothing came.
FIRST_TRY, LONGEST_TRY = 1.0, 60.0

#: After a turn that was recorded, before the watch is taken not to tell of it.
LAG_SECONDS = 10.0


@frozen(kw_only=True)
class Standing:
    """Where a runner stands among those of its pool."""

    rank: Callable[[str], int]
    """This runner's place in the order for a CronScript, 0 being first."""
    may_fire: Callable[[], bool] = lambda: True
    """Whether the other runners take this one for alive."""


class Ticker:
    """Fires slots for one runner, for as long as it runs."""

    def __init__(
        self, calendar: Calendar, standing: Standing, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._calendar, self._standing, self._now = calendar, standing, now
        self._entries: dict[str, Entry] = {}
        self._uids: dict[str, str] = {}
        self._runs = OpenRuns()
        self._alarms = Alarms(lambda uid: uid in self._entries)
        self._queue: list[tuple[int, float, str]] = []
        self._turns: set[asyncio.Task[End]] = set()
        self._wake = asyncio.Event()
        self._is_stopped = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_idle(self) -> bool:
        """Say whether no slot is being seen to at this moment."""
        return not self._turns and not self._queue

    def keep(self, cron_script: CronScript) -> None:
        """Tell of a CronScript that is new or changed; one that is not the pool's is let go."""
        uid = cron_script.metadata.uid
        if cron_script.spec.executor is not Executor.POOL or cron_script.metadata.deletion_timestamp:
            self.forget(uid)
            return
        entry = self._entries.get(uid)
        if entry is None:
            entry = self._entries[uid] = Entry(cron_script, turn_times.read_times(cron_script.spec))
            self._uids[cron_script.metadata.name] = uid
        elif not entry.update(cron_script, self._now()):
            return
        if entry.turn is None:
            self._plan(entry)

    def forget(self, uid: str) -> None:
        """Tell that a CronScript is gone; a turn of it ends by itself."""
        entry = self._entries.pop(uid, None)
        if entry and self._uids.get(entry.cron_script.metadata.name) == uid:
            del self._uids[entry.cron_script.metadata.name]

    def note_run(self, uid: str, cron_script: str) -> None:
        """Tell of a run of a CronScript that has not ended."""
        self._runs.add(uid, cron_script)

    def note_end(self, uid: str) -> None:
        """Tell that a run has ended or is gone; slots may wait for that."""
        name = self._runs.remove(uid)
        entry = self._entries.get(self._uids.get(name or "", ""))
        if entry is None:
            return
        if entry.turn is not None:
            entry.ended.add(uid)
        elif entry.is_waiting:
            self._plan(entry)

    async def run(self) -> None:
        """See to all that is due, until told to stop; ends when the last turn has."""
        try:
            while not self._is_stopped:
                self._wake.clear()
                self.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._wake.wait()
            await asyncio.gather(*self._turns)
        finally:
            left = list(self._turns)
            for turn in left:
                turn.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def stop(self) -> None:
        """Fire nothing more; what is being seen to goes on."""
        self._is_stopped = True
        self._queue.clear()
        self._wake.set()

    def look(self) -> None:
        """See to what is due at this moment."""
        if self._is_stopped:
            return
        now = self._now().timestamp()
        for uid in list(self._alarms.pop_due(now)):
            entry = self._entries.get(uid)
            # An alarm that was set before the one that counts says nothing.
            if entry is not None and entry.armed <= now:
                entry.armed = NEVER
                self._weigh(entry, now)
        while self._queue and len(self._turns) < MOST_TURNS:
            _, _, uid = heapq.heappop(self._queue)
            if entry := self._entries.get(uid):
                entry.is_queued = False
                # Somebody else may have seen to it while it waited here.
                if entry.due <= now and entry.turn is None:
                    self._begin(entry)

    def _pause(self) -> float:
        moment = self._alarms.next_moment()
        left = moment - self._now().timestamp() if moment is not None else LONGEST_PAUSE
        return max(0.0, min(left, LONGEST_PAUSE))

    def _weigh(self, entry: Entry, now: float) -> None:
        """An alarm went off: see whether it is this runner's turn."""
        if entry.is_queued or entry.turn is not None or entry.due == NEVER:
            return
        if entry.due > now:
            self._arm(entry, entry.due)
        elif not self._standing.may_fire():
            self._arm(entry, now + UNHEARD_SECONDS)
        elif entry.former is None and schedule_problems.find_problem(entry.cron_script.spec):
            # It has no meaning, as its status says, until it is changed.
            entry.due = NEVER
        elif self._has_to_wait(entry):
            entry.is_waiting = True
            self._arm(entry, now + WAITING_SECONDS)
        else:
            self._take_place(entry, now)

    def _has_to_wait(self, entry: Entry) -> bool:
        cron_script = entry.cron_script
        if entry.former is not None or not self._runs.has(cron_script.metadata.name):
            return False
        return turn_times.waits_for_end(cron_script, self._now())

    def _take_place(self, entry: Entry, now: float) -> None:
        """Queue for a turn; behind others that come before this runner only when these had their time."""
        uid = entry.cron_script.metadata.uid
        rank = self._standing.rank(uid)
        if rank and not entry.is_deferred:
            entry.is_deferred = True
            self._arm(entry, now + rank * STEP_SECONDS)
            return
        # What is on time does not wait for what an outage has left, nor for what is another's.
        due = datetime.fromtimestamp(entry.due, UTC)
        place = 2 if rank else 0 if turn_times.is_on_time(entry.cron_script, due, self._now()) else 1
        heapq.heappush(self._queue, (place, entry.due, uid))
        entry.is_queued = True

    def _arm(self, entry: Entry, moment: float) -> None:
        """Have the CronScript looked at from this moment on."""
        entry.due = moment
        if moment < entry.armed:
            entry.armed = moment
            self._alarms.put(entry.cron_script.metadata.uid, moment)
            self._wake.set()

    def _plan(self, entry: Entry, not_before: float = 0.0) -> None:
        """Find out when the CronScript is to be seen to next."""
        entry.is_deferred = entry.is_waiting = False
        moment = entry.find_moment(self._now())
        entry.due = NEVER
        if moment is not None:
            self._arm(entry, max(moment.timestamp(), not_before))

    def _begin(self, entry: Entry) -> None:
        begin = Begin(entry.cron_script, entry.former, entry.find_now(self._now()))
        entry.ended.clear()
        turn = asyncio.create_task(
            turn_taking.take_turn(self._calendar, begin), name=f"slots of {begin.cron_script.metadata.name}"
        )
        entry.turn = turn
        self._turns.add(turn)
        turn.add_done_callback(lambda ended: self._release(entry, begin, ended))

    def _release(self, entry: Entry, begin: Begin, turn: asyncio.Task[End]) -> None:
        """A turn ended: see when the next one is."""
        self._turns.discard(turn)
        entry.turn = None
        self._wake.set()
        if turn.cancelled() or self._entries.get(begin.cron_script.metadata.uid) is not entry:
            return
        end = turn.result()
        if end.fired is not None and begin.former is not None:
            # It may have been changed once more meanwhile.
            entry.former = begin.cron_script.spec if entry.changed != begin.now else None
        self._plan(entry, self._find_pause(entry, begin, end))
        entry.is_waiting = end.fired is not None and end.fired.is_waiting

    def _find_pause(self, entry: Entry, begin: Begin, end: End) -> float:
        """Give the moment before which there is no other turn."""
        now = self._now().timestamp()
        if end.fired is not None and end.fired.is_waiting:
            run = end.fired.run
            has_ended = run.metadata.uid in entry.ended if run else bool(entry.ended)
            if has_ended:
                return now
            # Of the end of a run that the watch has told of it tells too.
            is_known = run is None and self._runs.has(begin.cron_script.metadata.name)
            return now + (WAITING_SECONDS if is_known else FIRST_TRY)
        is_news = entries.is_news(begin.cron_script, entry.cron_script)
        entry.tries = 0 if is_news else entry.tries + 1
        if is_news:
            return now
        if end.fired is not None:
            # The watch is about to tell what was recorded, and that is news; it lags when many fire at once.
            return now + LAG_SECONDS
        pause = min(FIRST_TRY * 2.0 ** min(entry.tries - 1, 10), LONGEST_TRY)
        return now + max(end.retry_after, pause * random.uniform(0.5, 1))  # noqa: S311 - spreads tries.
