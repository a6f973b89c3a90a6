"""Manifests from files: every problem with the file and line where it is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from scriptorium_api.base import Object
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.names import API_VERSION, GROUP
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script

_KINDS: dict[str, type[Object]] = {model.__name__: model for model in (Script, ScriptExecution, RunnerPool)}
_SUFFIXES = {".yaml", ".yml", ".json"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a manifest, and where."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Found:
    """One manifest that is ours, valid, and where it stands."""

    path: Path
    line: int
    object: Object


@dataclass(slots=True)
class Loaded:
    """What files and folders hold."""

    objects: list[Found] = field(default_factory=list)
    config_maps: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: set[Path] = field(default_factory=set)


def load(paths: list[Path]) -> Loaded:
    """Read every manifest under the paths; what is wrong is told, never skipped."""
    loaded = Loaded()
    for path in paths:
        if not path.exists():
            loaded.problems.append(Problem(path, 1, "no such file or folder"))
        for file in list_files(path):
            loaded.files.add(file)
            _load_file(file, loaded)
    _refuse_twins(loaded)
    return loaded


def list_files(path: Path) -> list[Path]:
    """Give the manifest files of a path: itself, or what is below a folder."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    return [path] if path.exists() else []


def _load_file(path: Path, loaded: Loaded) -> None:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        loaded.problems.append(Problem(path, line, "not UTF-8: save the file in that encoding"))
        return
    try:
        for node in _documents(text):
            _load_document(path, node, loaded)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        loaded.problems.append(Problem(path, mark.line + 1 if mark else 1, f"not YAML: {error.problem}"))
    except yaml.YAMLError as error:
        loaded.problems.append(Problem(path, 1, f"not YAML: {error}"))


def _documents(text: str) -> Iterator[yaml.Node]:
    for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
        if node is not None and not (isinstance(node, yaml.ScalarNode) and node.value == ""):
            yield node


def _load_document(path: Path, node: yaml.Node, loaded: Loaded) -> None:
    line = node.start_mark.line + 1
    if twin := _find_twin_key(node):
        text = f'the key "{twin.value}" stands twice in one mapping'
        loaded.problems.append(Problem(path, twin.start_mark.line + 1, text))
        return
    body = _construct(node)
    if not isinstance(body, dict):
        loaded.problems.append(
            Problem(path, line, "not a manifest: expected a mapping with apiVersion and kind")
        )
        return
    version, kind = body.get("apiVersion"), body.get("kind")
    if (version, kind) == ("v1", "List") and isinstance(node, yaml.MappingNode):
        for item in _items(node):
            _load_document(path, item, loaded)
    elif (version, kind) == ("v1", "ConfigMap"):
        loaded.config_maps[_key(body)] = body
    elif problem := find_kind_problem(version, kind):
        loaded.problems.append(Problem(path, line, problem))
    elif version == API_VERSION:
        _load_object(path, node, body, loaded)


def find_kind_problem(version: Any, kind: Any) -> str | None:
    """Say what is wrong with a manifest's apiVersion and kind; other groups' are none of our business."""
    if not isinstance(version, str) or not isinstance(kind, str):
        return "not a manifest: apiVersion and kind are missing"
    if version == API_VERSION:
        known = ", ".join(_KINDS)
        return None if kind in _KINDS else f'unknown kind "{kind}" in {API_VERSION}: expected one of {known}'
    if version == GROUP or version.startswith(f"{GROUP}/"):
        return f'unknown apiVersion "{version}": use {API_VERSION}'
    if kind in _KINDS:
        return f'unknown apiVersion "{version}" for kind {kind}: use {API_VERSION}'
    return None


def _load_object(path: Path, node: yaml.Node, body: dict[str, Any], loaded: Loaded) -> None:
    line = node.start_mark.line + 1
    try:
        found = _KINDS[body["kind"]].from_wire({key: body[key] for key in body if key != "status"})
    except ValidationError as error:
        for each in error.errors():
            location = tuple(each["loc"])
            text = _describe(each["type"], each["msg"], location)
            loaded.problems.append(Problem(path, _line_of(node, location), text))
        return
    if not found.metadata.name and not found.metadata.generate_name:
        loaded.problems.append(Problem(path, line, "metadata.name: give the object a name"))
        return
    loaded.objects.append(Found(path, line, found))


def _describe(kind: str, message: str, location: tuple[int | str, ...]) -> str:
    place = ".".join(str(part) for part in location) or "manifest"
    if kind == "extra_forbidden":
        return f"{place}: unknown field; check its spelling and its indentation"
    if kind == "missing":
        return f"{place}: required field is missing"
    return f"{place}: {message.removeprefix('Value error, ')}"


def _line_of(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    """Give the line of the deepest part of the location that the file has."""
    line = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _find_twin_key(node: yaml.Node) -> yaml.ScalarNode | None:
    children: list[Any] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                return key
            seen.add(str(key.value))
            children.append(value)
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    return next((twin for child in children if (twin := _find_twin_key(child))), None)


def _items(node: yaml.MappingNode) -> list[yaml.Node]:
    for key, value in node.value:
        if key.value == "items" and isinstance(value, yaml.SequenceNode):
            items: list[yaml.Node] = value.value
            return items
    return []


def _construct(node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: a date is a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _key(body: dict[str, Any]) -> tuple[str, str]:
    metadata = body.get("metadata") or {}
    return metadata.get("namespace", "default"), metadata.get("name", "")


def _refuse_twins(loaded: Loaded) -> None:
    first: dict[tuple[str, str, str], Found] = {}
    for found in loaded.objects:
        metadata = found.object.metadata
        if not metadata.name:
            continue
        key = (found.object.kind, metadata.namespace or "default", metadata.name)
        if former := first.get(key):
            text = f'{key[0]} "{key[2]}" is defined already, at {former.path}:{former.line}'
            loaded.problems.append(Problem(found.path, found.line, text))
        first.setdefault(key, found)
