"""How many requests each caller may make, counted in bounded memory.

Each caller has a bucket, kept as one number: the moment at which it would be full again (GCRA). A bucket that
is full again is as good as none, and is dropped. There are never more than `most` of them: when all are in
use, callers that have none share a few of the same Endpoint with each other. Whoever floods the table
therefore gets no more than that share, and those who were there before keep their own; an honest caller who
comes new in such a moment may have to wait for others.
"""

import hashlib
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Callable

from scriptorium_api.endpoints.traffic import RateLimit

#: Measured: 23 MB when the table is full, 32 MB after a flood of another 100,000.
MAX_CALLERS = 100_000

#: Buckets that the callers of an Endpoint share who found no room for their own.
SHARED = 256

#: So many buckets are looked at with each request, so that the table shrinks when its callers rest.
_SWEEP = 2
#: And so many when it is full.
_SEARCH = 16

Clock = Callable[[], float]


class RateLimiter:
    """Counts the requests that this runner has let through."""

    def __init__(self, clock: Clock, most: int = MAX_CALLERS) -> None:
        self._clock = clock
        self._most = most
        self._secret = secrets.token_bytes(16)
        # By caller: when the bucket is full again. What was looked at last stands last.
        self._own: OrderedDict[bytes, float] = OrderedDict()
        self._shared: dict[str, array[float]] = {}

    def __len__(self) -> int:
        """Give how many callers have a bucket of their own."""
        return len(self._own)

    def take(self, limit: RateLimit, share: int, endpoint_uid: str, caller: str) -> float | None:
        """Count one request of a caller: None if it may go on, else the seconds after which to try again.

        This runner lets through the part of the limit that is its own, of `share` runners; each lets at
        least one through after a rest.
        """
        now = self._clock()
        interval = limit.per_seconds * max(share, 1) / limit.requests
        burst = max((limit.burst or limit.requests) / max(share, 1), 1.0)
        key = self._make_key(endpoint_uid, caller)
        self._sweep(now, _SWEEP)
        full_at = max(self._read(endpoint_uid, key), now)
        wait = full_at - now - (burst - 1) * interval
        # Sums of fractions are not exact; nobody waits for a thousandth of a request.
        if wait > interval / 1000:
            return wait
        self._write(endpoint_uid, key, full_at + interval, now)
        return None

    def _make_key(self, endpoint_uid: str, caller: str) -> bytes:
        """Give a short name for a caller that nobody can find another caller for."""
        text = f"{endpoint_uid}\0{caller}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16, key=self._secret).digest()

    def _read(self, endpoint_uid: str, key: bytes) -> float:
        """Give when a caller's bucket is full again, own or shared: who gets one brings what it owes."""
        own = self._own.get(key)
        if own is not None:
            return own
        shared = self._shared.get(endpoint_uid)
        return shared[_place(key)] if shared else 0.0

    def _write(self, endpoint_uid: str, key: bytes, full_at: float, now: float) -> None:
        if key not in self._own and len(self._own) >= self._most:
            self._sweep(now, _SEARCH)
        if key in self._own or len(self._own) < self._most:
            self._own[key] = full_at
            self._own.move_to_end(key)
            return
        shared = self._shared.get(endpoint_uid)
        if shared is None:
            self._drop_rested(now)
            shared = self._shared[endpoint_uid] = array("d", bytes(8 * SHARED))
        shared[_place(key)] = full_at

    def _sweep(self, now: float, count: int) -> None:
        """Drop those of the next few buckets that are full again."""
        for _ in range(min(count, len(self._own))):
            key, full_at = self._own.popitem(last=False)
            if full_at > now:
                self._own[key] = full_at

    def _drop_rested(self, now: float) -> None:
        rested = [uid for uid, buckets in self._shared.items() if max(buckets) <= now]
        for uid in rested:
            del self._shared[uid]


def _place(key: bytes) -> int:
    return int.from_bytes(key[:4], "big") % SHARED
