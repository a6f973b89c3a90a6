"""Whether kopf still tells us of changes: what our own followers saw must come through kopf too."""

from datetime import datetime, timedelta

#: kopf gives up on a silent watch after 70 s and opens another; only when that did not help is it dead.
_PATIENCE = timedelta(minutes=3)


class Canary:
    """Compares what two watches of one kind have told; costs no request and no write."""

    def __init__(self) -> None:
        self._arrived: dict[str, int] = {}
        self._expected: dict[str, datetime] = {}
        self._last_arrival: datetime | None = None

    def expect(self, uid: str, generation: int, now: datetime) -> None:
        """Note that the object has this generation: kopf should tell of it soon."""
        if self._arrived.get(uid, -1) < generation:
            self._expected.setdefault(uid, now)

    def arrive(self, uid: str, generation: int, now: datetime) -> None:
        """Note that kopf told of it."""
        self._arrived[uid] = generation
        self._expected.pop(uid, None)
        self._last_arrival = now

    def forget(self, uid: str) -> None:
        """Note that the object is gone."""
        self._arrived.pop(uid, None)
        self._expected.pop(uid, None)

    def is_silent(self, now: datetime) -> bool:
        """Say whether changes are overdue, and nothing else came meanwhile: a long queue is not silence."""
        if not self._expected:
            return False
        oldest = min(self._expected.values())
        return now - max(oldest, self._last_arrival or oldest) > _PATIENCE
