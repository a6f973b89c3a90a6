"""What deciding needs from outside."""

from collections.abc import Mapping
from typing import Any, Protocol


class KeysUnavailable(Exception):
    """The keys of an identity provider cannot be had at the moment; the message is for the log."""


class ScriptFailed(Exception):
    """The Script that decides did not: it is missing, threw, or took too long; the message is for the log."""


class Secrets(Protocol):
    """The Secrets of the namespace, as they are at this moment."""

    def read(self, name: str) -> Mapping[str, bytes] | None:
        """Give all values of a Secret by their keys; None if it is not there."""

    def read_key(self, name: str, key: str) -> bytes | None:
        """Give one value of a Secret; None if the Secret or the key is not there."""


class Doors(Protocol):
    """What else is outside, for one request: what is asked here takes of that request's time."""

    def now(self) -> float:
        """Give the time in Unix seconds."""

    async def fetch_keys(self, uri: str, *, anew: bool = False) -> Mapping[str, Any]:
        """Give a provider's JSON Web Key Set; `anew` if the known one lacks a key.

        Raises KeysUnavailable.
        """

    async def ask_script(self, name: str, head: Mapping[str, Any]) -> Any:
        """Run a Script with the head of the request as input, and give its result; raises ScriptFailed."""
