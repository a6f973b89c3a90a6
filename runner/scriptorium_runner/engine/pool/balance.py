"""How many workers to fork and to give up. Pure."""

from scriptorium_api.values import frozen


@frozen(kw_only=True)
class Census:
    """How many workers there are of each sort."""

    busy: int
    used: int
    fresh: int
    starting: int
    #: Callers that found neither a worker of their own nor a fresh one.
    waiting: int


@frozen(kw_only=True)
class Change:
    """What to do about it: fork, and give up of the used workers and of the fresh ones."""

    fork: int
    evict: int
    retire: int = 0


def decide_level(demand: int, initial: int, size: int) -> int:
    """Say how many workers to keep: as many as were needed at once lately, and the first ones in any case."""
    return max(min(initial, size), demand)


def decide_change(census: Census, level: int, spare: int, kept: int = 0) -> Change:
    """Keep `level` workers warm and `spare` of them unused, within `level + spare + kept` processes.

    A used worker serves only its own owner, so a new owner would wait for a fork if none were forked ahead;
    used workers give way, oldest first, when there are too many: `kept` more of them may stay, since to have
    one is cheaper than to fork it again. Who waits although not all are busy can only be served by a worker
    that is yet to come.
    """
    free = max(0, level - census.busy)
    wanted = max(spare, free - census.used, min(census.waiting, free))
    fork = max(0, wanted - census.fresh - census.starting)
    total = census.busy + census.used + census.fresh + census.starting + fork
    evict = min(census.used, max(0, total - level - spare - kept))
    return Change(fork=fork, evict=evict, retire=max(0, census.fresh - free - spare))


def is_overdue(since: float | None, now: float, patience: float) -> bool:
    """Say whether what is awaited since then, if anything is, should long be there."""
    return since is not None and now - since >= patience
