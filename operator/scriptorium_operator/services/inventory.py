"""What the followers have told: where Scripts and pools are, and when a pool was last needed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from scriptorium_api.script import Script
from scriptorium_operator.facts import Address, Key, Kind, Notice


class Inventory:
    """Where Scripts and pools are; a hint of what to look at, never the ground for removing something."""

    def __init__(self) -> None:
        self.api_server: list[Address] = []
        self.in_sync: set[Kind] = set()
        self._scripts: defaultdict[str, set[str]] = defaultdict(set)
        self._pools: dict[str, Notice] = {}
        self._last_needed: dict[str, datetime] = {}

    def begin(self, kind: Kind) -> None:
        """Forget what was told of a kind: it is about to be told again."""
        self.in_sync.discard(kind)
        if kind is Kind.SCRIPT:
            self._scripts.clear()
        elif kind is Kind.RUNNER_POOL:
            self._pools.clear()

    def note_script(self, notice: Notice) -> None:
        """Note that a Script is there, or gone."""
        names = self._scripts[notice.key.namespace]
        (names.discard if notice.is_gone else names.add)(notice.key.name)
        if not names:
            del self._scripts[notice.key.namespace]

    def note_pool(self, notice: Notice) -> None:
        """Note that a pool is there, or gone."""
        if notice.is_gone:
            self._pools.pop(notice.key.namespace, None)
            self._last_needed.pop(notice.key.namespace, None)
        else:
            self._pools[notice.key.namespace] = notice

    def note_need(self, namespace: str, now: datetime) -> None:
        """Note that something needs the namespace's pool at this moment."""
        self._last_needed[namespace] = now

    def has_pool(self, namespace: str) -> bool:
        """Say whether the namespace has a pool."""
        return namespace in self._pools

    def has_scripts(self, namespace: str) -> bool:
        """Say whether the namespace has a Script."""
        return namespace in self._scripts

    def is_script(self, place: tuple[str, str]) -> bool:
        """Say whether there is a Script in this namespace of this name."""
        namespace, name = place
        return name in self._scripts.get(namespace, ())

    def list_pools(self) -> list[Notice]:
        """Give all pools."""
        return list(self._pools.values())

    def list_namespaces_without_pool(self) -> list[str]:
        """Give the namespaces that have Scripts and no pool."""
        return [namespace for namespace in self._scripts if namespace not in self._pools]

    def last_needed(self, namespace: str, now: datetime) -> datetime:
        """Give when the pool was last needed; one that nothing is known of counts from the first question."""
        return self._last_needed.setdefault(namespace, now)


class References:
    """Which Scripts take their source from which ConfigMap."""

    def __init__(self) -> None:
        self._config_maps: dict[Key, str] = {}
        self._scripts: defaultdict[tuple[str, str], set[Key]] = defaultdict(set)

    def record(self, key: Key, script: Script) -> None:
        """Note where a Script takes its source from."""
        self.forget(key)
        if script.spec.source_from is not None:
            name = script.spec.source_from.config_map_key_ref.name
            self._config_maps[key] = name
            self._scripts[key.namespace, name].add(key)

    def forget(self, key: Key) -> None:
        """Note that a Script is gone."""
        name = self._config_maps.pop(key, None)
        if name is not None:
            place = (key.namespace, name)
            self._scripts[place].discard(key)
            if not self._scripts[place]:
                del self._scripts[place]

    def list_scripts(self, namespace: str, config_map: str) -> Iterable[Key]:
        """Give the Scripts that take their source from a ConfigMap."""
        return tuple(self._scripts.get((namespace, config_map), ()))
