"""What one way to say who one is finds out about a call."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.calls import Problem


@frozen
class Admitted:
    """The caller may call."""

    user: Mapping[str, Any] | None
    """What the script sees as ctx.user; None where nothing was asked for."""
    who: str
    """The same text for the same caller, for rate limits; holds no secret."""


@frozen
class Refused(Problem):
    """The caller may not call; what is answered, and what the operator is told beside it."""

    reason: str = ""
    """For the log alone: which part was wrong. Holds nothing of the credentials."""


class Fault(Enum):
    """What is wrong, as far as the caller is told."""

    MISSING = "nothing was sent"
    AMBIGUOUS = "sent more than once"
    WRONG = "not accepted"
    FORBIDDEN = "accepted, but not allowed"
    UNDECIDED = "cannot be told at the moment"


@frozen
class Denied:
    """The credentials of a way are there, and do not do."""

    fault: Fault
    reason: str
    """For the log."""
    detail: str = ""
    """For the caller; what its fault says, if empty."""


#: None: the credentials of this way are not there, so the next is asked.
Verdict = Admitted | Denied | None
