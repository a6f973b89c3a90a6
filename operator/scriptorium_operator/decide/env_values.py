"""Which of the values that Scripts and Endpoints name the pods of a pool get. Pure."""

from collections.abc import Collection, Sequence

from scriptorium_api.env import ValueRef
from scriptorium_operator.facts import PoolValues

#: Secrets and ConfigMaps in a pod: the kubelet watches each of them, for each pod.
MAX_OBJECTS = 100

#: Keys in one volume: it stands in the Deployment, each of its ReplicaSets and each pod.
MAX_KEYS = 500


def decide_values(named: Collection[ValueRef]) -> PoolValues:
    """Give the values of a pool; where there are too many, the first by kind, name and key have room."""
    mounted: list[ValueRef] = []
    left_out: list[ValueRef] = []
    objects: set[tuple[str, str]] = set()
    for value in sorted(set(named)):
        owner = (value.origin, value.name)
        has_room = len(mounted) < MAX_KEYS and (owner in objects or len(objects) < MAX_OBJECTS)
        (mounted if has_room else left_out).append(value)
        if has_room:
            objects.add(owner)
    return PoolValues(tuple(mounted), _describe(left_out) if left_out else "")


def _describe(left_out: Sequence[ValueRef]) -> str:
    return (
        f"Scripts and Endpoints name more than {MAX_OBJECTS} Secrets and ConfigMaps, or more than {MAX_KEYS}"
        f" keys of them. Left out: {len(left_out)}, the first is {left_out[0]}. Put several values into one"
        " object or key."
    )
