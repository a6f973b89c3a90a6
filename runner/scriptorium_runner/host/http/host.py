"""`http` as one run has it: what its Script was granted, within its time, redirects followed step by step."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

from scriptorium_api.host_patterns import HostPattern
from scriptorium_api.values import frozen
from scriptorium_runner.engine import Held, HostError, NoRoom, Share
from scriptorium_runner.host.http import requests, responses, targets
from scriptorium_runner.host.http.client import HttpClient
from scriptorium_runner.host.http.failures import DENIALS, Code, failure
from scriptorium_runner.host.http.requests import Redirect, Request
from scriptorium_runner.host.http.responses import Answer

MAX_REDIRECTS = 5

ANSWERED, CANCELLED = "ANSWERED", "CANCELLED"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@frozen(kw_only=True)
class Ending:
    """How one call ended, for metrics and logs; only `outcome` is fit for a label."""

    outcome: str
    """ANSWERED, CANCELLED or a Code."""
    host: str
    """The canonical host that was asked last; empty if the script named none."""
    seconds: float

    @property
    def is_denied(self) -> bool:
        """Say whether the platform refused it."""
        return self.outcome in DENIALS


@frozen(kw_only=True)
class Grant:
    """What one run may do, from the supervisor's own record."""

    allow: tuple[HostPattern, ...]
    """`permissions.http.allow` of the Script."""
    seconds_left: Callable[[], float]
    """What is left of the run's time."""
    share: Share = field(default_factory=lambda: Held().open())
    """Where what the runner holds of the run's calls is counted."""
    traceparent: str | None = None
    """The run's W3C trace context, passed on unless the script has its own."""
    tell: Callable[[Ending], None] = field(default=lambda _: None)
    """Called at the end of each call."""


class HttpHost:
    """Answers the `http` calls of one run."""

    def __init__(self, client: HttpClient, grant: Grant) -> None:
        self._client = client
        self._grant = grant

    async def call(self, method: str, arguments: list[Any]) -> dict[str, Any]:
        """Answer one call: `http.request`, or a short form such as `http.get`; empties the arguments.

        Raises HostError, which the script can catch.
        """
        trip = _Trip(self._client, self._grant)
        loop = asyncio.get_running_loop()
        started, outcome = loop.time(), CANCELLED
        try:
            response = await trip.make(method, arguments)
            outcome = ANSWERED
        except HostError as error:
            outcome = error.code
            raise
        finally:
            self._grant.tell(Ending(outcome=outcome, host=trip.host, seconds=loop.time() - started))
        return response


class _Trip:
    """One call: from what the script asked to the answer that sends it nowhere else."""

    def __init__(self, client: HttpClient, grant: Grant) -> None:
        self._client = client
        self._grant = grant
        self.host = ""

    async def make(self, call: str, arguments: list[Any]) -> dict[str, Any]:
        """Read the arguments, send the request, follow redirects, write the response."""
        request = self._trace(requests.read_request(call, arguments, self._client.settings.max_request_bytes))
        # All of it is in the request. As objects arguments can be twenty times their JSON, and servers slow.
        arguments.clear()
        self.host = request.target.host
        try:
            with self._grant.share.hold(len(request.body or b"")):
                return await self._travel(request)
        except NoRoom as error:
            raise failure(Code.TOO_MUCH_UNDER_WAY, str(error)) from error

    async def _travel(self, request: Request) -> dict[str, Any]:
        """Send the request, and those that redirects lead to."""
        deadline = asyncio.get_running_loop().time() + self._find_seconds(request)
        for step in range(MAX_REDIRECTS + 1):
            answer = await self._client.exchange(request, self._find_pattern(request, step), deadline)
            following = _follow(request, answer)
            if following is None:
                return responses.write_response(answer, request, is_redirected=step > 0)
            request = following
            self.host = request.target.host
        raise failure(
            Code.TOO_MANY_REDIRECTS, f"{request.target.authority} would be redirect {MAX_REDIRECTS + 1}"
        )

    def _trace(self, request: Request) -> Request:
        trace = self._grant.traceparent
        if trace is None or not _TRACEPARENT.fullmatch(trace) or "traceparent" in request.headers:
            return request
        return replace(request, headers=request.headers | {"traceparent": trace})

    def _find_seconds(self, request: Request) -> float:
        wanted = request.timeout_seconds or self._client.settings.request_seconds
        return max(0.0, min(wanted, self._grant.seconds_left()))

    def _find_pattern(self, request: Request, step: int) -> HostPattern:
        """Give the pattern that grants the most for a target: one with the whole host before one with *."""
        target = request.target
        found = [
            each for each in self._grant.allow if each.matches(target.host, target.port, target.default_port)
        ]
        if not found:
            how = "is not" if step == 0 else "was the target of a redirect and is not"
            raise failure(
                Code.HOST_NOT_ALLOWED,
                f"{target.host}:{target.port} {how} in permissions.http.allow of this Script",
            )
        return min(found, key=lambda each: each.is_wildcard)


def _follow(request: Request, answer: Answer) -> Request | None:
    """Give the next request if the answer is a redirect to be followed; raises HostError if it cannot be."""
    if answer.location is None or request.redirect is Redirect.MANUAL:
        return None
    authority = request.target.authority
    if request.redirect is Redirect.ERROR:
        raise failure(Code.REDIRECT_REFUSED, f"{authority} redirects, which this request does not want")
    try:
        target = targets.join_target(request.target, answer.location)
    except HostError as error:
        raise failure(Code.REDIRECT_REFUSED, f"{authority} redirects, but {error.message}") from error
    return requests.redirect_request(request, answer.status, target)
