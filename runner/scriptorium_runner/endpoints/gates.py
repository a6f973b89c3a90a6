"""The gates of the Endpoints that limit how many of their requests are worked on: they outlive the tables."""

from collections.abc import Callable, Collection

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.traffic import Concurrency
from scriptorium_runner.endpoints.concurrency import Gate, Room


class Gates:
    """One gate for each Endpoint that has `concurrency`, by its UID."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, tuple[Gate, Concurrency]] = {}
        #: How many runners are ready; until they are counted there is this one.
        self.runners = 1

    def find(self, endpoint: Endpoint) -> Gate | None:
        """Give an Endpoint's gate, as wide as the Endpoint says now."""
        uid, concurrency = endpoint.metadata.uid, endpoint.spec.concurrency
        if concurrency is None:
            self._known.pop(uid, None)
            return None
        room = Room.divide(concurrency, self.runners)
        gate = self._known[uid][0] if uid in self._known else Gate(room, self._clock)
        gate.change(room)
        self._known[uid] = (gate, concurrency)
        return gate

    def set_runners(self, count: int) -> None:
        """Divide anew, among so many runners."""
        self.runners = max(1, count)
        for gate, concurrency in self._known.values():
            gate.change(Room.divide(concurrency, self.runners))

    def forget_others(self, uids: Collection[str]) -> None:
        """Forget the gates of all Endpoints but these."""
        self._known = {uid: each for uid, each in self._known.items() if uid in uids}
