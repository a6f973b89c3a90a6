"""Which values of Secrets and ConfigMaps the Scripts of each namespace name."""

from collections import Counter, defaultdict
from collections.abc import Collection

from scriptorium_api.env import ValueRef
from scriptorium_operator.facts import Key


class NamedValues:
    """Counts the Scripts that name a value: of thousands of Scripts none is looked at for another's sake."""

    def __init__(self) -> None:
        self._by_script: dict[Key, frozenset[ValueRef]] = {}
        self._by_namespace: defaultdict[str, Counter[ValueRef]] = defaultdict(Counter)

    def clear(self) -> None:
        """Forget everything: it is about to be told again."""
        self._by_script.clear()
        self._by_namespace.clear()

    def record(self, script: Key, values: frozenset[ValueRef]) -> bool:
        """Note what a Script names; say whether the values of its namespace are others now."""
        former = self._by_script.pop(script, frozenset())
        if values:
            self._by_script[script] = values
        counts = self._by_namespace[script.namespace]
        before = len(counts)
        counts.update(values - former)
        has_new = len(counts) > before
        counts.subtract(former - values)
        gone = [value for value in former - values if counts[value] == 0]
        for value in gone:
            del counts[value]
        if not counts:
            del self._by_namespace[script.namespace]
        return has_new or bool(gone)

    def list_values(self, namespace: str) -> Collection[ValueRef]:
        """Give what the Scripts of a namespace name, each value once."""
        return tuple(self._by_namespace.get(namespace, ()))
