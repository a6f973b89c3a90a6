"""The values that Scripts and Endpoints name: in the pods of a pool, and in any that run one.

All single keys are one volume, so that a name and its password change at once. A whole Secret, whose keys
nobody knows, is a volume of its own inside of it: the kubelet would refuse two files of the same path.
"""

import hashlib
from collections.abc import Sequence
from itertools import groupby

from scriptorium_api import names
from scriptorium_api.env import Origin, ValueRef
from scriptorium_operator.facts import Manifest

_VOLUME = "values"

#: Readable by the runner's own user and group alone.
_MODE = 0o440

_SOURCES = {Origin.SECRET: "secret", Origin.CONFIG_MAP: "configMap"}


def add_env_volume(pod: Manifest, values: Sequence[ValueRef]) -> Manifest:
    """Give a pod's spec with the values in each of its containers; the same values give the same spec.

    What does not exist yet keeps no pod from starting: it appears in the volume when it does.
    """
    if not values:
        return pod
    keys, whole = _divide(values)
    # The kubelet makes the folders in the outer volume for those that are mounted inside of it.
    volumes = [*([(names.VALUES_FOLDER, _build_volume(keys))] if keys else []), *map(_build_whole, whole)]
    mounts = [{"name": volume["name"], "mountPath": folder, "readOnly": True} for folder, volume in volumes]
    return pod | {
        # Volumes belong to root: its group is how a pod that is not root may read one.
        "securityContext": pod["securityContext"] | {"fsGroup": pod["securityContext"]["runAsGroup"]},
        "containers": [
            container | {"volumeMounts": [*container["volumeMounts"], *mounts]}
            for container in pod["containers"]
        ],
        "volumes": [*pod["volumes"], *(volume for _, volume in volumes)],
    }


def _divide(values: Sequence[ValueRef]) -> tuple[list[ValueRef], list[ValueRef]]:
    """Give the single keys and the whole Secrets, each once."""
    each = sorted(set(values))
    return [value for value in each if value.key], [value for value in each if not value.key]


def _build_volume(values: Sequence[ValueRef]) -> Manifest:
    """Give the volume: only the keys that are named."""
    objects = groupby(values, key=lambda value: (value.origin, value.name))
    sources = [_build_source(origin, name, list(members)) for (origin, name), members in objects]
    return {"name": _VOLUME, "projected": {"defaultMode": _MODE, "sources": sources}}


def _build_source(origin: Origin, name: str, values: Sequence[ValueRef]) -> Manifest:
    items = [{"key": value.key, "path": value.path} for value in values]
    return {_SOURCES[origin]: {"name": name, "optional": True, "items": items}}


def _build_whole(value: ValueRef) -> tuple[str, Manifest]:
    """Give a whole Secret's volume and where it is mounted; its own name may be too long for a volume."""
    name = f"secret-{hashlib.sha256(value.name.encode()).hexdigest()[:20]}"
    source = {"secretName": value.name, "optional": True, "defaultMode": _MODE}
    return f"{names.VALUES_FOLDER}/{value.path}", {"name": name, "secret": source}
