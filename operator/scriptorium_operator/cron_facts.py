"""What the operator knows of CronScripts and their surroundings, as values."""

from datetime import datetime

from scriptorium_api.cron_script import Miss
from scriptorium_api.reasons import Phase, Reason
from scriptorium_api.values import frozen
from scriptorium_operator.facts import Key


@frozen(kw_only=True)
class CronRun:
    """A ScriptExecution that belongs to a CronScript, as far as that one's status asks."""

    cron_script: Key
    name: str
    uid: str
    slot: datetime | None
    """The slot that it is the run of; None for one that somebody asked for by hand."""
    created: datetime
    phase: Phase | None
    """None for one that only a newer version of the API knows; the same goes for the reason."""
    reason: Reason | None
    completed: datetime | None = None
    is_unfinished: bool = False
    """Whether it waits or goes on."""
    owner: str = ""
    """The UID of the CronScript that made it: there may be another one of that name by now."""
    job: str = ""
    """The Job of the CronJob that made it; none where the pool has fired it."""


@frozen(kw_only=True)
class FiredJob:
    """A Job that a CronScript's CronJob made, or somebody by hand of it."""

    key: Key
    uid: str
    cron_job: Key
    cron_script: Key
    slot: datetime | None
    """The slot that it is for; None for one that was made by hand."""
    created: datetime

    @property
    def order(self) -> datetime:
        """Give by what the Jobs of a CronJob are put in order."""
        return self.slot or self.created


@frozen(kw_only=True)
class UnrunSlots:
    """Slots of a CronScript that were not run, as far as that is news."""

    key: Key
    uid: str
    miss: Miss
    """The record that tells of them, and maybe of earlier ones."""
    count: int
    """How many of its slots are news."""

    @property
    def last(self) -> datetime:
        """Give the last of them."""
        return self.miss.last_scheduled_time or self.miss.scheduled_time


@frozen(kw_only=True)
class Terms:
    """By which terms a CronJob fires."""

    schedule: str
    time_zone: str
    is_suspended: bool
