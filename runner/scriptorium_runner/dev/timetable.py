"""The CronScripts of a session: each slot is seen to when its turn comes."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from scriptorium_api.cron_script import CronScript
from scriptorium_runner.dev import turns
from scriptorium_runner.dev.plan import Key
from scriptorium_runner.executions.errors import Vanished
from scriptorium_runner.schedules import decide, firing
from scriptorium_runner.sources import files
from scriptorium_runner.sources.file_calendar import FileCalendar
from scriptorium_runner.sources.manifests import Loaded


def utc_now() -> datetime:
    """Give the moment by this machine's clock."""
    return datetime.now(UTC)


class Timetable:
    """Sees to the slots of the board's CronScripts, one turn at a time for each of them."""

    def __init__(self, calendar: FileCalendar, clock: Callable[[], datetime]) -> None:
        self.now, self._calendar, self._board = clock, calendar, calendar.board
        self._turns: dict[Key, asyncio.Task[None]] = {}
        self._moments: dict[Key, tuple[CronScript, datetime | None]] = {}
        self._waiting: set[Key] = set()

    def take(self, loaded: Loaded) -> list[CronScript]:
        """Have the board's objects be those of the files; give the CronScripts that are new or changed.

        What the former terms of a schedule left is recorded before.
        """
        now, wanted = self.now(), {_key_of(each): each.spec for each in files.list_cron_scripts(loaded)}
        former = {_key_of(each): each for each in self._board.cron_scripts()}
        for key, cron_script in former.items():
            spec = wanted.get(key)
            if spec is not None and not decide.has_same_terms(cron_script.spec, spec):
                runs = self._board.list_fired(cron_script)
                self._calendar.put(cron_script, turns.settle_edit(cron_script, spec, runs, now))
        self._board.take(loaded, now)
        return [
            each
            for each in self._board.cron_scripts()
            if _key_of(each) not in former or former[_key_of(each)].spec != each.spec
        ]

    def start_due(self) -> None:
        """Begin the turn of every CronScript whose moment has come; raises what has broken one before."""
        self._end_turns()
        now = self.now()
        for cron_script in self._board.cron_scripts():
            moment = self._find_moment(cron_script)
            if moment is not None and moment <= now:
                turn = turns.build_turn(cron_script, now)
                self._turns[_key_of(cron_script)] = asyncio.create_task(self._see_to(cron_script, turn))

    def find_pause(self, most: float) -> float:
        """Give after how many seconds the next moment comes, or the most that is to be waited."""
        found = [self._find_moment(each) for each in self._board.cron_scripts()]
        pauses = [(moment - self.now()).total_seconds() for moment in found if moment is not None]
        return max(0.0, min([most, *pauses]))

    async def close(self) -> None:
        """Begin no more turns, and end those that have begun."""
        for task in self._turns.values():
            task.cancel()
        await asyncio.gather(*self._turns.values(), return_exceptions=True)

    def _end_turns(self) -> None:
        for key in [key for key, task in self._turns.items() if task.done()]:
            self._turns.pop(key).result()

    def _find_moment(self, cron_script: CronScript) -> datetime | None:
        """Give the moment of the next turn; None while nothing can be said of it."""
        key = _key_of(cron_script)
        if key in self._turns or (key in self._waiting and self._has_open_run(cron_script)):
            return None
        known = self._moments.get(key)
        if known is None or known[0] is not cron_script:
            known = self._moments[key] = (cron_script, turns.find_moment(cron_script))
        return known[1]

    def _has_open_run(self, cron_script: CronScript) -> bool:
        return any(not run.status.phase.is_terminal for run in self._board.list_fired(cron_script))

    async def _see_to(self, cron_script: CronScript, turn: firing.Turn) -> None:
        key = _key_of(cron_script)
        # It was removed meanwhile.
        with contextlib.suppress(Vanished):
            fired = await firing.fire(self._calendar, cron_script, turn)
            (self._waiting.add if fired.is_waiting else self._waiting.discard)(key)


def _key_of(cron_script: CronScript) -> Key:
    return cron_script.metadata.namespace, cron_script.metadata.name
