"""What serving needs from outside."""

from collections.abc import Sequence
from typing import Protocol

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_runner.endpoints.auth.ports import Secrets
from scriptorium_runner.engine import ScriptError
from scriptorium_runner.executions.ports import Board


class EndpointBoard(Board, Protocol):
    """A board that has Endpoints too."""

    def list_endpoints(self) -> Sequence[Endpoint]:
        """Give every Endpoint as it is now."""

    def open_secrets(self, namespace: str) -> Secrets:
        """Give the Secrets that Endpoints of a namespace name."""

    def find_values_state(self) -> object:
        """Give what is another one whenever a value may have changed: no event tells of files."""


class Checker(Protocol):
    """Says whether a source is JavaScript."""

    async def validate_syntax(self, source: str) -> ScriptError | None:
        """Say what is wrong with a source, or None."""
