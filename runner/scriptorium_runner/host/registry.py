"""The host calls of one run: those of the APIs it has, each found by the method's name."""

from collections.abc import Mapping
from typing import Any, Protocol

from scriptorium_runner.engine import HostError


class Api(Protocol):
    """One host API, made for one run with the powers of that run."""

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Carry out a call; `method` is the whole name, such as http.get."""


#: Every method that a host API may have, and whether a call counts towards limits.apiCalls.
METHODS: Mapping[str, Mapping[str, bool]] = {
    "http": dict.fromkeys(
        ("http.get", "http.post", "http.put", "http.patch", "http.delete", "http.request"), True
    ),
    "scripts": {"scripts.call": True},
    "utils": {"utils.local": False, "utils.instant": False},
}


class Registry:
    """Answers the host calls of one run by its APIs; what it was not given is not there."""

    def __init__(self, apis: Mapping[str, Api]) -> None:
        self._apis = dict(apis)
        self.methods = {method: counts for name in apis for method, counts in METHODS[name].items()}

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Have the API answer; raises HostError."""
        if method not in self.methods:
            raise HostError(f"{method} is not there", code="NotAvailable")
        return await self._apis[method.partition(".")[0]].call(method, arguments)
