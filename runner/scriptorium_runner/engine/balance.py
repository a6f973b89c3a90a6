"""How many workers to fork and to give up. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many workers there are of each sort."""

    busy: int
    used: int
    fresh: int
    starting: int
    #: Callers that found neither a worker of their own nor a fresh one.
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What to do about it."""

    fork: int
    evict: int


def decide_change(census: Census, size: int, spare: int) -> Change:
    """Keep `size` workers warm and `spare` of them unused, within `size + spare` processes.

    A used worker serves only its own owner, so a new owner would wait for a fork if none were forked ahead;
    used workers give way, oldest first, when there are too many. Who waits although not all are busy can
    only be served by a worker that is yet to come.
    """
    free = size - census.busy
    wanted = max(spare, free - census.used, min(census.waiting, free))
    fork = max(0, wanted - census.fresh - census.starting)
    total = census.busy + census.used + census.fresh + census.starting + fork
    return Change(fork=fork, evict=min(census.used, max(0, total - size - spare)))


def is_overdue(since: float | None, now: float, patience: float) -> bool:
    """Say whether what is awaited since then, if anything is, should long be there."""
    return since is not None and now - since >= patience
