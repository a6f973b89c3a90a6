"""Which values of Secrets and ConfigMaps the Scripts and Endpoints of each namespace name."""

from collections import Counter, defaultdict
from collections.abc import Collection

from scriptorium_api.env import ValueRef
from scriptorium_operator.facts import Key, Kind


class NamedValues:
    """Counts who names a value: of thousands of Scripts none is looked at for another's sake."""

    def __init__(self) -> None:
        self._by_user: dict[Key, frozenset[ValueRef]] = {}
        self._by_namespace: defaultdict[str, Counter[ValueRef]] = defaultdict(Counter)

    def clear(self, kind: Kind) -> None:
        """Forget what all of a kind name: it is about to be told again."""
        for user in [user for user in self._by_user if user.kind is kind]:
            self.record(user, frozenset())

    def record(self, user: Key, values: frozenset[ValueRef]) -> bool:
        """Note what a Script or Endpoint names; say whether the values of its namespace are others now."""
        former = self._by_user.pop(user, frozenset())
        if values:
            self._by_user[user] = values
        counts = self._by_namespace[user.namespace]
        before = len(counts)
        counts.update(values - former)
        has_new = len(counts) > before
        counts.subtract(former - values)
        gone = [value for value in former - values if counts[value] == 0]
        for value in gone:
            del counts[value]
        if not counts:
            del self._by_namespace[user.namespace]
        return has_new or bool(gone)

    def list_values(self, namespace: str) -> Collection[ValueRef]:
        """Give what the Scripts and Endpoints of a namespace name, each value once."""
        return tuple(self._by_namespace.get(namespace, ()))
