"""Which runners live, judged by whether their leases change from look to look. No clock of another machine is
read: only the time between two looks of this runner counts. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from scriptorium_api.execution import Holder

#: A lease that nobody renewed for this long, while this runner was looking, is that of a runner that is gone
#: or stands still.
LEASE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Sign:
    """What a runner's lease shows: which start of it speaks, and a version that each renewal changes."""

    start_id: str
    version: str


@dataclass(frozen=True, slots=True)
class _Seen:
    sign: Sign
    since: float


class Lives:
    """What this runner has seen of the others; moments are seconds of its own monotonic clock."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._looked = float("-inf")
        self._gone: set[str] = set()

    def look(self, signs: Mapping[str, Sign], begun: float) -> None:
        """Take in the leases of all runners, by pod UID, as a look that began at this moment found them."""
        self._seen = {
            uid: former if (former := self._seen.get(uid)) and former.sign == sign else _Seen(sign, begun)
            for uid, sign in signs.items()
        }
        self._looked = begun

    def look_failed(self) -> None:
        """Forget how long leases have been silent: while nobody could look, nobody could renew either."""
        self._seen, self._looked = {}, float("-inf")

    def note_gone(self, uid: str) -> None:
        """Note that the pod with this UID was deleted."""
        self._gone.add(uid)

    def is_lost(self, holder: Holder, noted: float) -> bool:
        """Say whether the holder of a claim, noted at this moment, will never settle it."""
        if holder.uid in self._gone:
            return True
        if self._looked <= noted:
            # The lease may be younger than the last look.
            return False
        seen = self._seen.get(holder.uid)
        if seen is None or seen.sign.start_id != holder.start_id:
            return True
        return self._looked - seen.since >= LEASE_SECONDS
