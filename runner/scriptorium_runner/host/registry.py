"""The host calls of one run: those of the APIs it has, each found by the method's name."""

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
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
    """Answers the host calls of one run by its APIs; what it was not given is not there.

    Each is made with its first call: most runs make none, and a run is begun with each request.
    """

    def __init__(self, apis: Mapping[str, Callable[[], Api]]) -> None:
        self._makers = apis
        self._made: dict[str, Api] = {}
        self.methods = _list_methods(tuple(apis))

    async def call(self, method: str, arguments: list[Any]) -> Any:
        """Have the API answer; raises HostError."""
        if method not in self.methods:
            raise HostError(f"{method} is not there", code="NotAvailable")
        name = method.partition(".")[0]
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return await self._made[name].call(method, arguments)


@functools.cache
def _list_methods(names: tuple[str, ...]) -> Mapping[str, bool]:
    """Give the methods of these APIs; there are few sets of them."""
    return MappingProxyType({method: counts for name in names for method, counts in METHODS[name].items()})
