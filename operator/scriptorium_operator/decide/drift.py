"""Whether a live object has all that is desired: after the API's defaults, and beside other managers."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

#: Below these the API server writes quantities in its own notation: 1000m becomes 1.
_QUANTITY_KEYS = frozenset({"limits", "requests", "sizeLimit"})

_UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
}

_QUANTITY = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<unit>|m|[kMGTP]|[KMGTP]i)")

#: What has one owner as a whole, by the rules of server-side apply: one key more in a selector, or one
#: subject more in a binding, is not another manager's field beside ours but a change of ours.
_ATOMIC_KEYS = frozenset(
    {"selector", "podSelector", "labelSelector", "namespaceSelector", "nodeSelector", "subjects"}
)

#: Entries of a list are the same entry if the first of these that both have is equal.
_ENTRY_KEYS = ("uid", "name")


def lacks(live: Any, desired: Any) -> bool:
    """Say whether the live value lacks something of the desired one; what it has beyond is not our affair."""
    if isinstance(desired, Mapping):
        return not isinstance(live, Mapping) or any(
            # The API server drops lists that are empty.
            value != [] if key not in live else _lacks_field(key, live[key], value)
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        return not isinstance(live, list) or _lacks_entry(live, desired)
    return bool(live != desired)


def _lacks_field(key: str, live: Any, desired: Any) -> bool:
    if key in _ATOMIC_KEYS:
        return bool(live != desired)
    if key not in _QUANTITY_KEYS:
        return lacks(live, desired)
    if isinstance(desired, Mapping):
        return not isinstance(live, Mapping) or any(
            name not in live or _differ(live[name], value) for name, value in desired.items()
        )
    return _differ(live, desired)


def _differ(live: Any, desired: Any) -> bool:
    if live == desired:
        return False
    amount = parse_quantity(str(live))
    return amount is None or amount != parse_quantity(str(desired))


def parse_quantity(text: str) -> Decimal | None:
    """Give the number that a quantity stands for: 500m is 0.5, 1Ki is 1024; None for other notations."""
    match = _QUANTITY.fullmatch(text)
    return Decimal(match["number"]) * _UNITS[match["unit"]] if match else None


def _lacks_entry(live: Sequence[Any], desired: Sequence[Any]) -> bool:
    for key in _ENTRY_KEYS:
        if desired and all(isinstance(entry, Mapping) and key in entry for entry in [*desired, *live]):
            by_key = {entry[key]: entry for entry in live}
            return any(lacks(by_key.get(entry[key]), entry) for entry in desired)
    return len(live) != len(desired) or any(map(lacks, live, desired))
