"""Whether a namespace's pool stays."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class PoolFate(StrEnum):
    """What becomes of a pool, and why."""

    USERS_OWN = "UsersOwn"
    """Stays: a user made it."""
    NEEDED = "Needed"
    """Stays: there are Scripts, CronScripts or unfinished runs."""
    WAITING = "Waiting"
    """Stays for now: it was needed a moment ago."""
    IDLE = "Idle"
    """Goes: nothing has needed it for long enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """What is known of a pool's use."""

    is_ours: bool
    has_scripts: bool
    has_unfinished_runs: bool
    last_needed: datetime
    has_cron_scripts: bool = False
    """Whether there are any: their pods run as the pool's account and behind its policy."""


def decide_fate(use: PoolUse, now: datetime, idle: timedelta) -> PoolFate:
    """Give what becomes of the pool."""
    if not use.is_ours:
        return PoolFate.USERS_OWN
    if use.has_scripts or use.has_cron_scripts or use.has_unfinished_runs:
        return PoolFate.NEEDED
    return PoolFate.IDLE if now - use.last_needed >= idle else PoolFate.WAITING
