"""Which runners live, judged by whether their leases change from look to look. No clock of another machine is
read: only the time between two looks of this runner counts. Pure."""

from collections.abc import Mapping

from scriptorium_api.execution import Holder
from scriptorium_api.values import frozen

#: A lease that nobody renewed for this long, while this runner was looking, is that of a runner that is gone
#: or stands still.
LEASE_SECONDS = 15.0

#: After a longer gap between two looks what was seen before counts for nothing: who did not look cannot tell
#: what happened meanwhile, and perhaps nobody could renew.
LONGEST_GAP = 10.0


@frozen
class Sign:
    """What a runner's lease shows: which start of it speaks, and a version that each renewal changes."""

    start_id: str
    version: str


@frozen
class _Seen:
    sign: Sign
    since: float


class Lives:
    """What this runner has seen of the others; moments are seconds of its own monotonic clock."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._absent: dict[str, float] = {}
        self._looked = self._ended = float("-inf")
        self._gone: set[str] = set()

    def look(self, signs: Mapping[str, Sign], begun: float, ended: float) -> None:
        """Take in the leases of all runners, by pod UID, as a look between these moments found them."""
        if begun - self._ended > LONGEST_GAP:
            self.look_failed()
        self._seen = {
            uid: former if (former := self._seen.get(uid)) and former.sign == sign else _Seen(sign, ended)
            for uid, sign in signs.items()
        }
        self._absent = {uid: since for uid, since in self._absent.items() if uid not in signs}
        self._looked, self._ended = begun, ended

    def look_failed(self) -> None:
        """Forget how long leases have been silent: while nobody could look, nobody could renew either."""
        self._seen, self._absent = {}, {}
        self._looked = self._ended = float("-inf")

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
        if seen is not None and seen.sign.start_id != holder.start_id:
            return True
        # A lease that somebody removed comes back with the next renewal.
        since = seen.since if seen else self._absent.setdefault(holder.uid, self._ended)
        return self._looked - since >= LEASE_SECONDS
