"""The CronScripts of a pool's clock: each as the watch told of it last, and when it is to be seen to."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import datetime

from scriptorium_api.cron_script import CronScript, CronScriptSpec
from scriptorium_runner.schedules import decide, turn_times
from scriptorium_runner.schedules.turn_taking import End
from scriptorium_runner.schedules.turn_times import Times

NEVER = math.inf


@dataclass(slots=True)
class Entry:
    """A CronScript, as the watch told of it last, and when it is to be seen to."""

    cron_script: CronScript
    times: Times | None
    former: CronScriptSpec | None = None
    """Its spec before it was changed, until that has been seen to."""
    changed: datetime | None = None
    """When that change was seen."""
    due: float = NEVER
    armed: float = NEVER
    """The moment of the alarm that is set for it."""
    is_deferred: bool = False
    """The runners before this one have had their time."""
    is_queued: bool = False
    is_waiting: bool = False
    """Slots that are due wait for the end of a run."""
    tries: int = 0
    """Turns in a row of which nothing came."""
    turn: asyncio.Task[End] | None = None
    ended: set[str] = field(default_factory=set)
    """The runs that ended during the turn."""

    def update(self, cron_script: CronScript, now: datetime) -> bool:
        """Take over what was told; says whether it can change when the CronScript is to be seen to."""
        known, self.cron_script = self.cron_script, cron_script
        if not decide.has_same_terms(known.spec, cron_script.spec):
            former = self.former or known.spec
            # What was changed there and back again has the slots that it had.
            self.former = None if decide.has_same_terms(former, cron_script.spec) else former
            self.changed = now
            self.times = turn_times.read_times(cron_script.spec)
        has_news = is_news(known, cron_script)
        if has_news:
            self.tries = 0
        return has_news

    def find_moment(self, now: datetime) -> datetime | None:
        """Give when it is to be seen to next; None if it never fires again."""
        if self.former is not None and self.changed is not None:
            if turn_times.has_past(self.cron_script, self.former, self.changed):
                return self.changed
            self.former = None
        return turn_times.find_turn(self.cron_script, self.times, now) if self.times else None

    def find_now(self, now: datetime) -> datetime:
        """Give up to when its slots are judged, if its turn is now."""
        if self.former is not None and self.changed is not None:
            return self.changed
        return turn_times.find_now(self.cron_script, self.times, now) if self.times else now


def is_news(known: CronScript, told: CronScript) -> bool:
    """Say whether what was told can change when a CronScript is to be seen to."""
    return known.spec != told.spec or turn_times.find_begin(known) != turn_times.find_begin(told)
