"""Which CronScripts have a run that has not ended, as the watch tells. No I/O."""


class OpenRuns:
    """The UIDs of runs that have not ended, by the CronScript that fired them."""

    def __init__(self) -> None:
        self._runs: dict[str, set[str]] = {}
        self._cron_scripts: dict[str, str] = {}

    def add(self, uid: str, cron_script: str) -> None:
        """Note a run that has not ended."""
        self._runs.setdefault(cron_script, set()).add(uid)
        self._cron_scripts[uid] = cron_script

    def remove(self, uid: str) -> str | None:
        """Note that a run has ended; give the CronScript that fired it, if that was known as open."""
        name = self._cron_scripts.pop(uid, None)
        if name is not None:
            self._runs[name].discard(uid)
            if not self._runs[name]:
                del self._runs[name]
        return name

    def has(self, cron_script: str) -> bool:
        """Say whether a run of the CronScript has not ended."""
        return cron_script in self._runs
