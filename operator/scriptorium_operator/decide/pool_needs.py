"""Whether a namespace's pool stays."""

from datetime import datetime, timedelta
from enum import StrEnum

from scriptorium_api.values import frozen


class PoolFate(StrEnum):
    """What becomes of a pool, and why."""

    USERS_OWN = "UsersOwn"
    """Stays: a user made it."""
    NEEDED = "Needed"
    """Stays: there are Scripts, CronScripts, Endpoints or unfinished runs."""
    WAITING = "Waiting"
    """Stays for now: it was needed a moment ago."""
    IDLE = "Idle"
    """Goes: nothing has needed it for long enough."""


@frozen(kw_only=True)
class PoolUse:
    """What is known of a pool's use."""

    is_ours: bool
    has_users: bool
    """Whether there are Scripts; CronScripts, whose pods run as the pool's account and behind its policy; or
    Endpoints, which it serves."""
    has_unfinished_runs: bool
    last_needed: datetime


def decide_fate(use: PoolUse, now: datetime, idle: timedelta) -> PoolFate:
    """Give what becomes of the pool."""
    if not use.is_ours:
        return PoolFate.USERS_OWN
    if use.has_users or use.has_unfinished_runs:
        return PoolFate.NEEDED
    return PoolFate.IDLE if now - use.last_needed >= idle else PoolFate.WAITING
