"""Which ended runs are to be removed. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from scriptorium_api.script import KEPT_FAILED, KEPT_SUCCEEDED
from scriptorium_api.values import frozen
from scriptorium_operator.facts import EndedRun

#: All ended runs of a namespace together are kept below this, whatever the history limits allow.
MAX_NAMESPACE_BYTES = 64 * 1024 * 1024


#: More runs of a Script with idempotency keys are not kept beyond its limits.
MAX_WITH_KEY = 1000


@frozen
class HistoryLimits:
    """How many ended runs of a Script are kept."""

    succeeded: int = KEPT_SUCCEEDED
    failed: int = KEPT_FAILED


def find_surplus(runs: Iterable[EndedRun], limits: HistoryLimits, now: datetime) -> list[EndedRun]:
    """Give the runs of one Script that are too many, oldest first.

    Those that have to be remembered come on top until then, at most MAX_WITH_KEY of them.
    """
    newest_first = sorted(runs, key=_age, reverse=True)
    kept = [run for run in newest_first if run.kept_until is not None and now < run.kept_until]
    remembered = {run.uid for run in kept[:MAX_WITH_KEY]}
    newest_first = [run for run in newest_first if run.uid not in remembered]
    succeeded = [run for run in newest_first if run.is_success]
    failed = [run for run in newest_first if not run.is_success]
    return sorted([*succeeded[limits.succeeded :], *failed[limits.failed :]], key=_age)


def find_heaviest(runs: Iterable[EndedRun], most: int) -> list[EndedRun]:
    """Give the oldest runs of a namespace, as many as bring the rest below the most bytes."""
    oldest_first = sorted(runs, key=_age)
    excess = sum(run.size for run in oldest_first) - most
    surplus: list[EndedRun] = []
    for run in oldest_first:
        if excess <= 0:
            break
        surplus.append(run)
        excess -= run.size
    return surplus


def is_judged(run: EndedRun, until: datetime | None) -> bool:
    """Say whether the slot of a schedule's run would not be run again without it.

    `until` is how far every slot of the schedule is judged; of those after it only their runs are known.
    """
    return run.slot is None or (until is not None and run.slot <= until)


def find_expiry(run: EndedRun) -> datetime | None:
    """Give when the run's own time to live is over, if it has one and need not be remembered for longer."""
    if run.ttl_seconds is None:
        return None
    over = run.ended + timedelta(seconds=run.ttl_seconds)
    return max(over, run.kept_until) if run.kept_until else over


def _age(run: EndedRun) -> tuple[datetime, str]:
    return run.ended, run.uid
