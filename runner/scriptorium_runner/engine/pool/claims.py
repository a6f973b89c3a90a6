"""Who holds a worker, and who wants one."""

from collections import Counter
from collections.abc import Iterable

from scriptorium_api.values import frozen
from scriptorium_runner.engine.values import Lane
from scriptorium_runner.engine.workers.channel import Worker


@frozen(kw_only=True)
class Claim:
    """What a caller wants a worker for."""

    #: Whose code it will run: it gets no worker that ran another's.
    owner: str
    #: In whose share of the slots it counts.
    script: str
    memory_mb: int = 0
    #: How many scripts wait for this one, each of which called the next.
    depth: int = 0
    #: Whose turn it takes.
    lane: Lane = Lane.QUEUED


class Claims:
    """The workers that are handed out, and what for."""

    def __init__(self) -> None:
        self._claims: dict[Worker, Claim] = {}
        self._held: dict[Lane, Counter[str]] = {lane: Counter() for lane in Lane}
        #: How many of them there are in each lane.
        self.lanes: Counter[Lane] = Counter()
        self._depths: Counter[int] = Counter()
        self._promised_mb: Counter[Lane] = Counter()

    def __len__(self) -> int:
        return len(self._claims)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Give the workers."""
        return tuple(self._claims)

    @property
    def promised_mb(self) -> int:
        """Give the memory that all of them together may come to need."""
        return self._promised_mb.total()

    def count_promised_mb(self, lane: Lane) -> int:
        """Give the memory that those of a lane may come to need."""
        return self._promised_mb[lane]

    def count_held(self, lanes: Iterable[Lane]) -> Counter[str]:
        """Give how many slots each Script holds in these lanes together."""
        return sum((self._held[lane] for lane in lanes), Counter())

    def count(self, depth: int) -> int:
        """Count the workers that are handed out at a depth of calls."""
        return self._depths[depth]

    def add(self, worker: Worker, claim: Claim) -> None:
        """Hand a worker out."""
        self._claims[worker] = claim
        self._note(claim, 1)

    def remove(self, worker: Worker) -> None:
        """Take a worker back; nothing happens if it was taken back already."""
        if (claim := self._claims.pop(worker, None)) is not None:
            self._note(claim, -1)

    def _note(self, claim: Claim, change: int) -> None:
        self._depths[claim.depth] += change
        self.lanes[claim.lane] += change
        self._promised_mb[claim.lane] += change * claim.memory_mb
        held = self._held[claim.lane]
        held[claim.script] += change
        if not held[claim.script]:
            del held[claim.script]
