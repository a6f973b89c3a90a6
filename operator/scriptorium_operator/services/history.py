"""The ended runs of all namespaces, as followers told of them: a few hundred bytes of each are kept."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from scriptorium_operator.decide import retention
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.facts import EndedRun, Key, Kind

#: Whose runs they are: a CronScript's, or else a Script's, whose name is empty for a source of their own.
Group = Key


#: So many more expiries than runs are held before the useless ones are thrown away.
_ROOM = 1000

#: Runs with a source of their own have no Script that would say how many are kept.
INLINE_LIMITS = HistoryLimits(succeeded=1000, failed=1000)


class History:
    """Which ended runs there are, and which of them are to be removed."""

    def __init__(self) -> None:
        self._runs: dict[str, EndedRun] = {}
        self._groups: defaultdict[Group, dict[str, EndedRun]] = defaultdict(dict)
        self._bytes: defaultdict[str, int] = defaultdict(int)
        self._limits: dict[Group, HistoryLimits] = {}
        self._judged: dict[Group, datetime | None] = {}
        self._latest: dict[Group, EndedRun] = {}
        self._expiries: list[tuple[datetime, str]] = []
        self._changed: set[Group] = set()
        self._doomed: dict[str, EndedRun] = {}
        self._expired: set[str] = set()
        self.noted = 0
        """How many ended runs were told in all."""

    def __len__(self) -> int:
        return len(self._runs)

    def count_times(self) -> int:
        """Count the times that are kept to look at runs again."""
        return len(self._expiries)

    def clear(self) -> None:
        """Forget all runs: they are about to be told again."""
        for uid in tuple(self._runs):
            self.forget(uid)

    def note(self, run: EndedRun) -> EndedRun | None:
        """Note a run that has ended; if it is its Script's latest, give the one that was so until now."""
        if run.uid in self._runs:
            return None
        self.noted += 1
        group = _group_of(run)
        self._runs[run.uid] = self._groups[group][run.uid] = run
        self._bytes[group.namespace] += run.size
        self._changed.add(group)
        for moment in (retention.find_expiry(run), run.kept_until):
            if moment is not None:
                self._push_expiry(moment, run.uid)
        if run.phase == "Cancelled":
            # Nobody's failure, and nobody's success.
            return None
        former = self._latest.get(group)
        if former is None or former.ended <= run.ended:
            self._latest[group] = run
            return former
        return None

    def forget(self, uid: str) -> None:
        """Note that a run is gone."""
        self._doomed.pop(uid, None)
        run = self._runs.pop(uid, None)
        if run is None:
            return
        group = _group_of(run)
        del self._groups[group][uid]
        self._bytes[group.namespace] -= run.size
        self._expired.discard(uid)
        if not self._groups[group]:
            del self._groups[group]

    def set_limits(self, group: Group, limits: HistoryLimits | None) -> None:
        """Note how many runs of a Script or CronScript are kept; None if it is gone."""
        if self._limits.get(group) == limits:
            return
        for uid in self._groups.get(group, {}):
            # They were too many by the former limits; that is to be judged anew.
            if uid not in self._expired:
                self._doomed.pop(uid, None)
        if limits is None:
            self._limits.pop(group, None)
            self._judged.pop(group, None)
            self._latest.pop(group, None)
        else:
            self._limits[group] = limits
        self._changed.add(group)

    def set_judged(self, group: Group, until: datetime | None) -> None:
        """Note how far every slot of a CronScript is judged; the runs of later ones are not removed."""
        if group not in self._judged or self._judged[group] != until:
            self._judged[group] = until
            self._changed.add(group)

    def doom(self, now: datetime, is_there: Callable[[Group], bool]) -> int:
        """Find out what is to be removed by now; give how many runs that are in all.

        Where `is_there` says that there is one whose limits nobody told yet, they are waited for.
        """
        for run in self._find_doomed(now, is_there):
            self._doomed[run.uid] = run
        return len(self._doomed)

    def take_doomed(self, most: int) -> list[EndedRun]:
        """Take out the next runs to remove; who could not remove one gives it back."""
        taken = list(self._doomed.values())[:most]
        for run in taken:
            del self._doomed[run.uid]
        return taken

    def give_back(self, run: EndedRun) -> None:
        """Have a run removed another time, if it is still there."""
        if run.uid in self._runs:
            self._doomed[run.uid] = run

    def _find_doomed(self, now: datetime, is_there: Callable[[Group], bool]) -> Iterator[EndedRun]:
        while self._expiries and self._expiries[0][0] <= now:
            _, uid = heapq.heappop(self._expiries)
            if run := self._runs.get(uid):
                self._changed.add(_group_of(run))
                expiry = retention.find_expiry(run)
                if expiry is not None and expiry <= now:
                    self._expired.add(uid)
                    yield run
        unknown = {group for group in self._changed if group not in self._limits and is_there(group)}
        changed, self._changed = self._changed - unknown, unknown
        for group in changed:
            kept = (run for run in self._groups.get(group, {}).values() if run.uid not in self._doomed)
            surplus = retention.find_surplus(kept, self._find_limits(group), now)
            yield from filter(self._is_removable, surplus)
        for namespace in {group.namespace for group in changed}:
            if self._bytes[namespace] > retention.MAX_NAMESPACE_BYTES:
                all_kept = self._list_kept(namespace)
                heaviest = retention.find_heaviest(all_kept, retention.MAX_NAMESPACE_BYTES)
                yield from filter(self._is_removable, heaviest)

    def _is_removable(self, run: EndedRun) -> bool:
        group = _group_of(run)
        # Of a CronScript that is gone no slot is run again.
        return group not in self._judged or retention.is_judged(run, self._judged[group])

    def _find_limits(self, group: Group) -> HistoryLimits:
        is_inline = not group.name
        return INLINE_LIMITS if is_inline else self._limits.get(group, HistoryLimits())

    def _list_kept(self, namespace: str) -> Iterator[EndedRun]:
        for group, runs in self._groups.items():
            if group.namespace == namespace:
                yield from (run for run in runs.values() if run.uid not in self._doomed)

    def _push_expiry(self, moment: datetime, uid: str) -> None:
        heapq.heappush(self._expiries, (moment, uid))
        if len(self._expiries) > 2 * len(self._runs) + _ROOM:
            # Most runs go for their number, long before their time.
            self._expiries = [each for each in self._expiries if each[1] in self._runs]
            heapq.heapify(self._expiries)


def _group_of(run: EndedRun) -> Group:
    if run.cron_script:
        return Key(Kind.CRON_SCRIPT, run.key.namespace, run.cron_script)
    return Key(Kind.SCRIPT, run.key.namespace, run.script)
