"""What calls from inside the cluster need from outside."""

from typing import Protocol

from scriptorium_api.execution import Requester
from scriptorium_api.values import frozen


@frozen
class Admitted:
    """The API server knows the caller, and lets them create runs in this namespace."""

    caller: Requester


@frozen
class Unknown:
    """The API server does not know the token: it never was one, or is not any more."""


@frozen
class Forbidden:
    """The API server knows the caller, and does not let them create runs in this namespace."""

    name: str
    """Their user name, if it was told."""


Verdict = Admitted | Unknown | Forbidden


class ReviewFailed(Exception):
    """The API server did not say who the caller is and what they may do."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Reviewer(Protocol):
    """Asks the API server about a token, with nothing but that token; raises ReviewFailed."""

    async def review(self, token: str) -> Verdict:
        """Say whose token it is, and whether they may create runs in this namespace."""
