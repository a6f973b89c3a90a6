"""Which JavaScript a Script is, or why it is none."""

from scriptorium_api import names
from scriptorium_api.script import ConfigMapKeyRef, ScriptSpec, find_source_problem
from scriptorium_api.values import frozen
from scriptorium_operator.facts import ConfigMapContent


@frozen
class SourceText:
    """The JavaScript of a Script."""

    text: str

    @property
    def hash(self) -> str:
        """Give the name of this source by its content."""
        return names.source_hash(self.text)


@frozen
class SourceProblem:
    """Why there is no JavaScript, as a condition says it."""

    reason: str
    message: str


def decide_source(spec: ScriptSpec, config_map: ConfigMapContent | None) -> SourceText | SourceProblem:
    """Give the source; the ConfigMap is the one that the spec names, if it exists."""
    if spec.source is not None:
        return SourceText(spec.source)
    if spec.source_from is None:
        return SourceProblem("SourceMissing", "spec has no source: set spec.source or spec.sourceFrom")
    return _take_value(spec.source_from.config_map_key_ref, config_map)


def _take_value(ref: ConfigMapKeyRef, config_map: ConfigMapContent | None) -> SourceText | SourceProblem:
    if config_map is None:
        return SourceProblem(
            "SourceMissing",
            f"ConfigMap {ref.name} does not exist: create it with key {ref.key} in this namespace",
        )
    if ref.key in config_map.binary_keys:
        return _invalid(ref, "is under binaryData: put the source as UTF-8 text under data")
    if ref.key not in config_map.texts:
        return SourceProblem(
            "SourceMissing",
            f"ConfigMap {ref.name} has no key {ref.key}: add it under data, or change"
            " spec.sourceFrom.configMapKeyRef.key",
        )
    text = config_map.texts[ref.key]
    problem = find_source_problem(text)
    return _invalid(ref, problem) if problem else SourceText(text)


def _invalid(ref: ConfigMapKeyRef, problem: str) -> SourceProblem:
    return SourceProblem("SourceInvalid", f"key {ref.key} of ConfigMap {ref.name} {problem}")
