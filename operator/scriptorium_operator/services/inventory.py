"""What the followers have told: where our objects and pools are, and when a pool was last needed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from scriptorium_api.script import Script
from scriptorium_operator.facts import POOL_USERS, Address, Key, Kind
from scriptorium_operator.notices import Notice


class Inventory:
    """Where these are; a hint of what to look at, never the ground for removing something."""

    def __init__(self) -> None:
        self.api_server: list[Address] = []
        self.in_sync: set[Kind] = set()
        self._users: dict[Kind, defaultdict[str, set[str]]] = {kind: defaultdict(set) for kind in POOL_USERS}
        self._pools: dict[str, Notice] = {}
        self._last_needed: dict[str, datetime] = {}

    def begin(self, kind: Kind) -> None:
        """Forget what was told of a kind: it is about to be told again."""
        self.in_sync.discard(kind)
        if kind in POOL_USERS:
            self._users[kind].clear()
        elif kind is Kind.RUNNER_POOL:
            self._pools.clear()

    def note_user(self, notice: Notice) -> None:
        """Note that a Script, CronScript or Endpoint is there, or gone."""
        names = self._users[notice.key.kind]
        of_namespace = names[notice.key.namespace]
        (of_namespace.discard if notice.is_gone else of_namespace.add)(notice.key.name)
        if not of_namespace:
            del names[notice.key.namespace]

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

    def has_users(self, namespace: str) -> bool:
        """Say whether the namespace has a Script, a CronScript or an Endpoint."""
        return any(namespace in names for names in self._users.values())

    def list_users(self, kind: Kind, namespace: str | None = None) -> list[Key]:
        """Give the Scripts, CronScripts or Endpoints of a namespace, or of all."""
        names = self._users[kind]
        places: Iterable[str] = names if namespace is None else (namespace,)
        return [Key(kind, place, name) for place in places for name in names.get(place, ())]

    def is_there(self, key: Key) -> bool:
        """Say whether there is this Script, CronScript or Endpoint."""
        return key.name in self._users[key.kind].get(key.namespace, ())

    def list_pools(self) -> list[Notice]:
        """Give all pools."""
        return list(self._pools.values())

    def list_namespaces_without_pool(self) -> list[str]:
        """Give the namespaces that have Scripts, CronScripts or Endpoints, and no pool."""
        needy = {namespace for names in self._users.values() for namespace in names}
        return sorted(needy - self._pools.keys())

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
