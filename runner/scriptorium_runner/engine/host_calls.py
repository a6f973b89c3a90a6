"""What the engine needs from outside to answer a script's host calls."""

from collections.abc import Mapping
from typing import Any, Protocol


class HostError(Exception):
    """A host call failed; the script gets an Error with this message, name and code, and may catch it."""

    def __init__(self, message: str, *, code: str, name: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.name = name or code


class HostCalls(Protocol):
    """The host calls of one run, with the powers of that run and no others."""

    @property
    def methods(self) -> Mapping[str, bool]:
        """Give every method there is, and whether a call of it counts towards the limit."""

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Carry out a call and give what JSON can hold; raises HostError for what the script is to know.

        The arguments are the script's, and the script is hostile. A call is cancelled when its run ends.
        """


class NoHost:
    """The host of a run that has no host calls."""

    methods: Mapping[str, bool] = {}

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Refuse."""
        raise HostError(f"{method} is not there", code="NotAvailable")
