"""Hosts for tests: they answer as they are told, and remember what they were asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from scriptorium_runner.engine import HostError

METHODS = {"http.get": True, "http.post": True, "scripts.call": True, "utils.local": False}


class FakeHost:
    """Answers each call by a function of method and arguments; by default with the arguments themselves."""

    def __init__(
        self,
        reply: Callable[[str, list[Any]], Awaitable[Any]] | None = None,
        methods: Mapping[str, bool] = METHODS,
    ) -> None:
        self.methods = methods
        self.asked: list[tuple[str, list[Any]]] = []
        self.cancelled = 0
        self.open = 0
        self.most_open = 0
        self._reply = reply

    async def call(self, method: str, arguments: list[Any]) -> Any:
        self.asked.append((method, arguments))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            return await self._reply(method, arguments) if self._reply else {"arguments": arguments}
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.open -= 1


def answering(value: Any) -> FakeHost:
    async def reply(_method: str, _arguments: list[Any]) -> Any:
        return value

    return FakeHost(reply)


def failing(error: Exception | None = None) -> FakeHost:
    async def reply(_method: str, _arguments: list[Any]) -> Any:
        raise error or HostError("the host is not on the list", code="PermissionDenied")

    return FakeHost(reply)


def hanging() -> FakeHost:
    async def reply(_method: str, _arguments: list[Any]) -> Any:
        await asyncio.Event().wait()

    return FakeHost(reply)


def gathering(most: int) -> FakeHost:
    """Answer once so many calls are under way."""
    are_there = asyncio.Event()

    async def reply(_method: str, arguments: list[Any]) -> Any:
        if host.open == most:
            are_there.set()
        await are_there.wait()
        return arguments[0]

    host = FakeHost(reply)
    return host


def yielding() -> FakeHost:
    """Answer after every other task had a turn, so that calls overlap."""

    async def reply(_method: str, arguments: list[Any]) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        return arguments[0]

    return FakeHost(reply)
