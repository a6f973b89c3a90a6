"""What the followers have told: where Scripts, CronScripts and pools are, and when a pool was last needed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from scriptorium_api.script import Script
from scriptorium_operator.facts import Address, Key, Kind, Notice


class Inventory:
    """Where these are; a hint of what to look at, never the ground for removing something."""

    def __init__(self) -> None:
        self.api_server: list[Address] = []
        self.in_sync: set[Kind] = set()
        self._scripts: defaultdict[str, set[str]] = defaultdict(set)
        self._cron_scripts: defaultdict[str, set[str]] = defaultdict(set)
        self._pools: dict[str, Notice] = {}
        self._last_needed: dict[str, datetime] = {}

    def begin(self, kind: Kind) -> None:
        """Forget what was told of a kind: it is about to be told again."""
        self.in_sync.discard(kind)
        if kind is Kind.SCRIPT:
            self._scripts.clear()
        elif kind is Kind.CRON_SCRIPT:
            self._cron_scripts.clear()
        elif kind is Kind.RUNNER_POOL:
            self._pools.clear()

    def note_script(self, notice: Notice) -> None:
        """Note that a Script is there, or gone."""
        _note_name(self._scripts, notice)

    def note_cron_script(self, notice: Notice) -> None:
        """Note that a CronScript is there, or gone."""
        _note_name(self._cron_scripts, notice)

    def note_pool(self, notice: Notice) -> bool:
        """Note that a pool is there, or gone; say whether it is there and its spec is news."""
        if notice.is_gone:
            self._pools.pop(notice.key.namespace, None)
            self._last_needed.pop(notice.key.namespace, None)
            return False
        former = self._pools.get(notice.key.namespace)
        self._pools[notice.key.namespace] = notice
        return former is None or (former.uid, former.generation) != (notice.uid, notice.generation)

    def note_need(self, namespace: str, now: datetime) -> None:
        """Note that something needs the namespace's pool at this moment."""
        self._last_needed[namespace] = now

    def has_pool(self, namespace: str) -> bool:
        """Say whether the namespace has a pool."""
        return namespace in self._pools

    def has_scripts(self, namespace: str) -> bool:
        """Say whether the namespace has a Script."""
        return namespace in self._scripts

    def has_cron_scripts(self, namespace: str) -> bool:
        """Say whether the namespace has a CronScript."""
        return namespace in self._cron_scripts

    def list_cron_scripts(self, namespace: str | None = None) -> list[Key]:
        """Give the CronScripts of a namespace, or of all."""
        places: Iterable[str] = self._cron_scripts if namespace is None else (namespace,)
        return [
            Key(Kind.CRON_SCRIPT, place, name)
            for place in places
            for name in self._cron_scripts.get(place, ())
        ]

    def is_there(self, key: Key) -> bool:
        """Say whether there is this Script or CronScript."""
        names = self._cron_scripts if key.kind is Kind.CRON_SCRIPT else self._scripts
        return key.name in names.get(key.namespace, ())

    def list_pools(self) -> list[Notice]:
        """Give all pools."""
        return list(self._pools.values())

    def list_namespaces_without_pool(self) -> list[str]:
        """Give the namespaces that have Scripts or CronScripts, and no pool."""
        return sorted((self._scripts.keys() | self._cron_scripts.keys()) - self._pools.keys())

    def last_needed(self, namespace: str, now: datetime) -> datetime:
        """Give when the pool was last needed; one that nothing is known of counts from the first question."""
        return self._last_needed.setdefault(namespace, now)


def _note_name(names: defaultdict[str, set[str]], notice: Notice) -> None:
    of_namespace = names[notice.key.namespace]
    (of_namespace.discard if notice.is_gone else of_namespace.add)(notice.key.name)
    if not of_namespace:
        del names[notice.key.namespace]


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
