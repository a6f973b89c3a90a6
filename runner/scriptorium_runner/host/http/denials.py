"""Denied calls in the log: each Script's hosts once a minute, and few of them: no script fills the log."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from scriptorium_runner.host.http.host import Ending

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60.0
MOST_HOSTS = 10

#: Runs with a source of their own are an owner each; only the latest are remembered.
_KEPT_OWNERS = 1000


@dataclass(slots=True)
class _Window:
    """What was logged of one owner lately."""

    until: float
    hosts: set[str] = field(default_factory=set)


class Denials:
    """What was logged lately; one for the life of a runner."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def note(self, owner: str, script: str, ending: Ending) -> None:
        """Log a call that was denied, unless the like of it was logged just now; others are none of ours."""
        if not ending.is_denied:
            return
        hosts = self._find_window(owner).hosts
        if ending.host in hosts or len(hosts) == MOST_HOSTS:
            return
        hosts.add(ending.host)
        fields = {"script": script, "owner": owner, "host": ending.host, "code": ending.outcome}
        log.warning("http call denied", extra=fields)

    def _find_window(self, owner: str) -> _Window:
        now = self._clock()
        window = self._windows.get(owner)
        if window is None or window.until <= now:
            window = self._windows[owner] = _Window(now + WINDOW_SECONDS)
            self._windows.move_to_end(owner)
        if len(self._windows) > _KEPT_OWNERS:
            self._windows.popitem(last=False)
        return window
