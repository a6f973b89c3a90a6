"""Which of the operator's replicas works, decided from their one Lease. Pure; moments are of the own clock.

The times are those of Kubernetes' own controllers in kind: no clock of another machine is trusted, only how
long a Lease has not changed before one's own eyes.
"""

from enum import Enum

from scriptorium_api.values import frozen
from scriptorium_operator.facts import LeaseState

#: A Lease that did not change for this long is free to be taken.
LEASE_SECONDS = 12

#: A leader that could not renew for this long stops, well before anybody may take over.
TRUST_SECONDS = 8.0

#: Between two tries to get or keep the Lease.
TRY_SECONDS = 2.0


@frozen
class Sighting:
    """Since when the Lease has looked like this."""

    state: LeaseState | None = None
    since: float = 0.0

    def next(self, state: LeaseState | None, now: float) -> "Sighting":
        """Give the sighting after the Lease was read again."""
        return self if state == self.state else Sighting(state, now)


class Move(Enum):
    """What to do about the Lease."""

    CREATE = "create"
    TAKE = "take"
    RENEW = "renew"
    WAIT = "wait"


def decide_move(sighting: Sighting, identity: str, now: float) -> Move:
    """Say what this replica does, given what it saw."""
    if sighting.state is None:
        return Move.CREATE
    if sighting.state.holder == identity:
        return Move.RENEW
    is_free = not sighting.state.holder or now - sighting.since >= LEASE_SECONDS
    return Move.TAKE if is_free else Move.WAIT
