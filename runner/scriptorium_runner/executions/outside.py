"""The hosts outside, as scripts reach them from this runner."""

import asyncio
from collections.abc import Callable

from scriptorium_api.host_patterns import parse_host_pattern
from scriptorium_api.values import frozen
from scriptorium_runner.engine import Share
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.host.http import Ending, Grant, HttpClient, HttpHost


@frozen
class Outside:
    """A way out by the client that all runs of this runner share."""

    client: HttpClient
    tell: Callable[[Start, Ending], None] = lambda _start, _ending: None
    """Called at the end of each call, with the start of the run that made it."""

    def prepare(self) -> None:
        """Do nothing: the client is there."""

    def open(self, start: Start, share: Share, end: float, traceparent: str | None = None) -> HttpHost:
        """Give what one run may reach until its end, by the loop's clock; its requests bear `traceparent`."""
        clock = asyncio.get_running_loop().time
        granted = start.permissions.http.allow if start.permissions.http else []
        grant = Grant(
            allow=tuple(map(parse_host_pattern, granted)),
            seconds_left=lambda: end - clock(),
            share=share,
            traceparent=traceparent,
            tell=lambda ending: self.tell(start, ending),
        )
        return HttpHost(self.client, grant)
