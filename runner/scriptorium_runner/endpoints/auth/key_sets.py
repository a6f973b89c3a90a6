"""The key sets of identity providers, kept for a while: asked for rarely, there while a provider is away."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scriptorium_api.values import frozen
from scriptorium_runner.endpoints.auth.ports import KeysUnavailable

#: What a provider says of how long its keys may be kept is believed between these.
MIN_SECONDS, MAX_SECONDS = 60.0, 3600.0
#: How long they are kept where it says nothing.
DEFAULT_SECONDS = 600.0

#: So long the last keys serve while the provider is away; then who calls cannot be told any more.
STALE_SECONDS = 24 * 3600.0

#: Tokens with kids that nobody knows, which anybody can make, ask the provider this often at most.
ANEW_SECONDS = 30.0
#: A provider that does not answer is asked again after this.
RETRY_SECONDS = 10.0

#: So long callers wait for a provider whose last keys are there.
PATIENCE_SECONDS = 1.0

#: More than the Endpoints of a namespace name; the ones that were not asked for longest are forgotten.
_MOST = 256


@frozen
class Fetched:
    """What a provider answered."""

    keys: Mapping[str, Any]
    max_age: float | None = None
    """How long it may be kept, as the provider says."""


#: Asks a provider; raises KeysUnavailable.
Fetch = Callable[[str], Awaitable[Fetched]]


@dataclass(slots=True)
class _Known:
    """What is known of one provider."""

    keys: Mapping[str, Any] | None = None
    got_at: float = 0.0
    fresh_until: float = 0.0
    asked_at: float = float("-inf")
    problem: str = ""
    """Why the last asking failed; empty if it did not."""
    under_way: asyncio.Task[None] | None = None


class KeySets:
    """One for the life of a runner; used by `async with`, which ends what is under way."""

    def __init__(
        self,
        fetch: Fetch,
        clock: Callable[[], float] = time.monotonic,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._patience = patience_seconds
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def __aenter__(self) -> "KeySets":
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [each.under_way for each in self._known.values() if each.under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def fetch_keys(self, uri: str, *, anew: bool = False) -> Mapping[str, Any]:
        """Give a provider's keys; `anew` if those that were given lack one. Raises KeysUnavailable."""
        known = self._find(uri)
        if self._is_due(known, anew):
            known.asked_at = self._clock()
            known.under_way = asyncio.create_task(self._ask(uri, known))
        if known.under_way is not None and (anew or not self._is_fresh(known)):
            # Who gives up does not take the answer from the others.
            await asyncio.wait({known.under_way}, timeout=self._patience if self._is_usable(known) else None)
        if known.keys is None or not self._is_usable(known):
            # Some providers are asked with a key in the query, which is nobody's to read.
            place = uri.partition("?")[0]
            raise KeysUnavailable(f"{place} gave no keys: {known.problem or 'it does not answer'}")
        return known.keys

    def _find(self, uri: str) -> _Known:
        known = self._known.setdefault(uri, _Known())
        self._known.move_to_end(uri)
        if len(self._known) > _MOST:
            oldest = next(iter(self._known))
            if self._known[oldest].under_way is None:
                del self._known[oldest]
        return known

    def _is_due(self, known: _Known, anew: bool) -> bool:
        if known.under_way is not None:
            return False
        since = self._clock() - known.asked_at
        if self._is_fresh(known):
            return anew and since >= ANEW_SECONDS
        return since >= RETRY_SECONDS

    def _is_fresh(self, known: _Known) -> bool:
        return known.keys is not None and self._clock() < known.fresh_until

    def _is_usable(self, known: _Known) -> bool:
        return known.keys is not None and self._clock() < known.got_at + STALE_SECONDS

    async def _ask(self, uri: str, known: _Known) -> None:
        try:
            fetched = await self._fetch(uri)
        except KeysUnavailable as error:
            known.problem = str(error)
        else:
            now = self._clock()
            age = DEFAULT_SECONDS if fetched.max_age is None else fetched.max_age
            known.keys, known.problem, known.got_at = fetched.keys, "", now
            known.fresh_until = now + min(max(age, MIN_SECONDS), MAX_SECONDS)
        finally:
            known.under_way = None
