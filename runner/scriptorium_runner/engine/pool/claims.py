"""Who holds a worker, and who wants one."""

from collections import Counter
from dataclasses import dataclass

from scriptorium_runner.engine.workers.channel import Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a caller wants a worker for."""

    #: Whose code it will run: it gets no worker that ran another's.
    owner: str
    #: In whose share of the slots it counts.
    script: str
    memory_mb: int = 0
    #: How many scripts wait for this one, each of which called the next.
    depth: int = 0


class Claims:
    """The workers that are handed out, and what for."""

    def __init__(self) -> None:
        self._claims: dict[Worker, Claim] = {}
        self._held: Counter[str] = Counter()
        self._depths: Counter[int] = Counter()
        #: The memory that all of them together may come to need.
        self.promised_mb = 0

    def __len__(self) -> int:
        return len(self._claims)

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Give the workers."""
        return tuple(self._claims)

    @property
    def held(self) -> Counter[str]:
        """Give how many slots of the pool each Script holds; what others called holds other slots."""
        return self._held

    def count(self, depth: int) -> int:
        """Count the workers that are handed out at a depth of calls."""
        return self._depths[depth]

    def add(self, worker: Worker, claim: Claim) -> None:
        """Hand a worker out."""
        self._claims[worker] = claim
        self._depths[claim.depth] += 1
        self.promised_mb += claim.memory_mb
        if not claim.depth:
            self._held[claim.script] += 1

    def remove(self, worker: Worker) -> None:
        """Take a worker back; nothing happens if it was taken back already."""
        if (claim := self._claims.pop(worker, None)) is None:
            return
        self._depths[claim.depth] -= 1
        self.promised_mb -= claim.memory_mb
        if not claim.depth:
            self._held[claim.script] -= 1
            if not self._held[claim.script]:
                del self._held[claim.script]
