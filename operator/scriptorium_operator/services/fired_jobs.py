"""The Jobs that schedules made, as the follower told of them, and when each is to be looked at."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from scriptorium_operator.cron_facts import FiredJob
from scriptorium_operator.decide.slot_jobs import FIRST_LOOK
from scriptorium_operator.facts import Key


class FiredJobs:
    """Which Jobs there are of each CronJob; nothing of those that nothing is to be done for but their UID."""

    def __init__(self) -> None:
        self._jobs: defaultdict[Key, dict[str, FiredJob]] = defaultdict(dict)
        self._due: dict[str, datetime] = {}
        self._owners: dict[str, Key] = {}
        self._settled: set[str] = set()

    def clear(self) -> None:
        """Forget all: they are about to be told again."""
        self._jobs.clear()
        self._due.clear()
        self._owners.clear()
        self._settled.clear()

    def note(self, job: FiredJob, now: datetime) -> bool:
        """Note that a Job is new or has changed; say whether it is to be looked at, once it had its time."""
        if job.uid in self._settled:
            return False
        self._jobs[job.cron_job][job.uid] = job
        self._owners[job.uid] = job.cron_job
        self._due[job.uid] = max(job.created + FIRST_LOOK, now)
        return True

    def forget(self, uid: str) -> None:
        """Note that a Job is gone."""
        self._drop(uid)
        self._settled.discard(uid)

    def settle(self, job: FiredJob) -> None:
        """Note that nothing is to be done for a Job any more, whatever becomes of it."""
        self._drop(job.uid)
        self._settled.add(job.uid)

    def postpone(self, job: FiredJob, until: datetime) -> None:
        """Have a Job looked at then, if it does not change before."""
        if job.uid in self._due:
            self._due[job.uid] = until

    def list_jobs(self, cron_job: Key) -> list[FiredJob]:
        """Give the Jobs of a CronJob that are not settled, in the order of their slots."""
        return sorted(self._jobs.get(cron_job, {}).values(), key=lambda job: (job.order, job.uid))

    def is_due(self, job: FiredJob, now: datetime) -> bool:
        """Say whether the moment has come to look at a Job."""
        return self._due.get(job.uid, now) <= now

    def find_next(self, cron_job: Key) -> datetime | None:
        """Give when the next Job of a CronJob is to be looked at."""
        return min((self._due[uid] for uid in self._jobs.get(cron_job, {})), default=None)

    def list_cron_jobs(self) -> Iterable[Key]:
        """Give the CronJobs with Jobs that are not settled."""
        return tuple(self._jobs)

    def _drop(self, uid: str) -> None:
        owner = self._owners.pop(uid, None)
        if owner is None:
            return
        self._due.pop(uid, None)
        del self._jobs[owner][uid]
        if not self._jobs[owner]:
            del self._jobs[owner]
