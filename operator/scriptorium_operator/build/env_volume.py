"""The volume with the values that Scripts name in `env`: in the pods of a pool, and in any that run one."""

from collections.abc import Sequence
from itertools import groupby

from scriptorium_api import names
from scriptorium_api.env import Origin, ValueRef
from scriptorium_operator.facts import Manifest

_VOLUME = "values"

_SOURCES = {Origin.SECRET: "secret", Origin.CONFIG_MAP: "configMap"}


def add_env_volume(pod: Manifest, values: Sequence[ValueRef]) -> Manifest:
    """Give a pod's spec with the values in each of its containers; the same values give the same spec.

    What does not exist yet keeps no pod from starting: it appears in the volume when it does.
    """
    if not values:
        return pod
    mount = {"name": _VOLUME, "mountPath": names.VALUES_FOLDER, "readOnly": True}
    return pod | {
        # Volumes belong to root: its group is how a pod that is not root may read one.
        "securityContext": pod["securityContext"] | {"fsGroup": pod["securityContext"]["runAsGroup"]},
        "containers": [
            container | {"volumeMounts": [*container["volumeMounts"], mount]}
            for container in pod["containers"]
        ],
        "volumes": [*pod["volumes"], _build_volume(values)],
    }


def _build_volume(values: Sequence[ValueRef]) -> Manifest:
    """Give the volume: only the keys that are named, readable by the runner's own user and group alone."""
    objects = groupby(sorted(set(values)), key=lambda value: (value.origin, value.name))
    sources = [_build_source(origin, name, list(members)) for (origin, name), members in objects]
    return {"name": _VOLUME, "projected": {"defaultMode": 0o440, "sources": sources}}


def _build_source(origin: Origin, name: str, values: Sequence[ValueRef]) -> Manifest:
    items = [{"key": value.key, "path": value.path} for value in values]
    return {_SOURCES[origin]: {"name": name, "optional": True, "items": items}}
