"""Sources that Scripts take from ConfigMaps. Pure."""

from collections.abc import Mapping
from typing import Any

from scriptorium_api.script import ConfigMapKeyRef, find_source_problem
from scriptorium_runner.executions.decide import Source


def pick_source(config_map: Mapping[str, Any] | None, reference: ConfigMapKeyRef) -> Source:
    """Give the source under a ConfigMap's key, or what is wrong with it and where to mend it."""
    if config_map is None:
        return _unusable(reference, "the ConfigMap does not exist; create it in this namespace")
    if reference.key in (config_map.get("binaryData") or {}):
        return _unusable(reference, "it is under binaryData; put it as UTF-8 text under data")
    text = (config_map.get("data") or {}).get(reference.key)
    if text is None:
        return _unusable(reference, "the ConfigMap has no such key under data; add it")
    if problem := find_source_problem(text):
        return _unusable(reference, f"it {problem}")
    return Source(text)


def _unusable(reference: ConfigMapKeyRef, problem: str) -> Source:
    place = f'ConfigMap "{reference.name}", key "{reference.key}"'
    return Source(None, f"the source in {place}, cannot be used: {problem}")
