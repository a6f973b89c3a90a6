"""The runs of all CronScripts, as the follower told of them."""

from collections import defaultdict
from datetime import datetime

from scriptorium_api.cron_script import Miss
from scriptorium_operator.cron_facts import CronRun
from scriptorium_operator.facts import Key


class CronRuns:
    """Which runs there are of each CronScript; a few hundred bytes of each are kept."""

    def __init__(self) -> None:
        self._runs: defaultdict[Key, dict[str, CronRun]] = defaultdict(dict)
        self._owners: dict[str, Key] = {}
        self.written: dict[Key, datetime] = {}
        """When the status of each CronScript was written last, by this replica."""
        self.retired: dict[Key, datetime] = {}
        """Since when the CronJob of a CronScript is known to fire no more."""
        self.misses: dict[Key, tuple[str, list[Miss]]] = {}
        """What the status of each CronScript told last of slots that were not run, and its UID."""

    def clear(self) -> None:
        """Forget all runs: they are about to be told again."""
        self._runs.clear()
        self._owners.clear()

    def note(self, run: CronRun) -> bool:
        """Note a run as it is now; say whether that is news."""
        runs = self._runs[run.cron_script]
        if runs.get(run.uid) == run:
            return False
        runs[run.uid] = run
        self._owners[run.uid] = run.cron_script
        return True

    def forget(self, uid: str) -> Key | None:
        """Note that a run is gone; gives the CronScript that it belonged to, if it did to any."""
        owner = self._owners.pop(uid, None)
        if owner is not None:
            del self._runs[owner][uid]
            if not self._runs[owner]:
                del self._runs[owner]
        return owner

    def list_runs(self, cron_script: Key) -> tuple[CronRun, ...]:
        """Give the runs of a CronScript."""
        return tuple(self._runs.get(cron_script, {}).values())
