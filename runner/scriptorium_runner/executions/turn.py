"""Who goes first: all runners of a pool agree on an order for each run without talking to each other."""

import hashlib
from collections.abc import Collection

#: Seconds that each next runner in the order leaves to those before it. Long enough for an idle first
#: runner to write its claim, short enough that a run does not wait long behind a busy one.
STEP_SECONDS = 0.5


def rank(execution: str, runner: str, runners: Collection[str]) -> int:
    """Give a runner's place in the order for this run, 0 being first (rendezvous hashing over UIDs).

    A runner that is not among the ready ones comes after all of them.
    """
    if runner not in runners:
        return len(runners)
    own = _weight(execution, runner)
    return sum(_weight(execution, other) > own for other in runners)


def _weight(execution: str, runner: str) -> bytes:
    return hashlib.blake2b(f"{execution}/{runner}".encode(), digest_size=8).digest()
