"""How a request ended, for all who keep accounts of it: logs, metrics, histories."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Answer, Call
from scriptorium_runner.endpoints.table import Entry
from scriptorium_runner.endpoints.traces import Trace
from scriptorium_runner.engine import Result

#: Whose caller went away before there was an answer; nobody was sent this.
GONE = 499


@dataclass(slots=True)
class Times:
    """Where the time of a request went, in seconds; what it never came to is 0."""

    deciding: float = 0.0
    """Finding who answers, and asking who calls."""
    receiving: float = 0.0
    """Waiting for the body."""
    queueing: float = 0.0
    """Waiting for room and for a worker."""
    working: float = 0.0
    """In the worker."""
    total: float = 0.0

    @property
    def converting(self) -> float:
        """Give the rest: from results to answers."""
        return max(0.0, self.total - self.deciding - self.receiving - self.queueing - self.working)


@frozen
class Ended:
    """One request that is over. What of it is secret stays with whoever hears this: bodies, queries,
    headers."""

    at: datetime
    call: Call
    trace: Trace
    entry: Entry | None
    """The Endpoint that it was for; None if there is none."""
    answer: Answer | None
    """None if its caller went away."""
    rejected: str = ""
    """Why no script answered, in a word; empty if one did."""
    cause: str = ""
    """What the log tells of it beyond what its caller was told."""
    result: Result | None = None
    """Of the script, if one ran."""
    times: Times = field(default_factory=Times)

    @property
    def status(self) -> int:
        """Give the answer's status, or GONE."""
        return self.answer.status if self.answer is not None else GONE


Listener = Callable[[Ended], None]
