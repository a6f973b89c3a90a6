"""Who runs which Script."""

from collections import defaultdict
from collections.abc import Iterable

from scriptorium_operator.facts import Key


class ScriptUsers:
    """Which CronScripts and Endpoints need which Scripts."""

    def __init__(self) -> None:
        self._scripts: dict[Key, frozenset[str]] = {}
        self._users: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)

    def record(self, user: Key, scripts: Iterable[str]) -> None:
        """Note which Scripts a CronScript or Endpoint needs."""
        needed = frozenset(scripts)
        if self._scripts.get(user) != needed:
            self.forget(user)
            self._scripts[user] = needed
            for script in needed:
                self._users[user.namespace, script].add(user)

    def forget(self, user: Key) -> None:
        """Note that a CronScript or Endpoint is gone."""
        for script in self._scripts.pop(user, ()):
            place = (user.namespace, script)
            self._users[place].discard(user)
            if not self._users[place]:
                del self._users[place]

    def list_users(self, namespace: str, script: str) -> tuple[Key, ...]:
        """Give the CronScripts and Endpoints that need a Script."""
        return tuple(self._users.get((namespace, script), ()))
