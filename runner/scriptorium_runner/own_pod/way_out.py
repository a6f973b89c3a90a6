"""The way to the hosts outside, in a pod that sees to one run: most runs never take it."""

import contextlib
from types import TracebackType
from typing import Self

from scriptorium_runner import authorities
from scriptorium_runner.engine import Share
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.sandbox import WayOut
from scriptorium_runner.host.http.settings import HttpSettings
from scriptorium_runner.host.registry import Api


class LateWayOut:
    """Made when a script begins for the first time that may ask a host; used by `async with`."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._closing = contextlib.AsyncExitStack()
        self._made: WayOut | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.__aexit__(kind, error, trace)

    def open(self, start: Start, share: Share, end: float, traceparent: str | None = None) -> Api:
        """Give what one run may reach until its end, by the loop's clock; its requests bear `traceparent`."""
        return self._find().open(start, share, end, traceparent)

    def prepare(self) -> None:
        """Import and make what most runs never need."""
        self._find()

    def _find(self) -> WayOut:
        self._made = self._made or self._make()
        return self._made

    def _make(self) -> WayOut:
        # Most scripts ask no host, and every run waits for what its pod imports before.
        with authorities.unread():
            from scriptorium_runner.executions.outside import Outside  # noqa: PLC0415
            from scriptorium_runner.host.http import Denials, HttpClient  # noqa: PLC0415

        client, denials = HttpClient(self._settings), Denials()
        self._closing.push_async_exit(client)
        return Outside(client, lambda start, end: denials.note(start.owner, start.script, end))
