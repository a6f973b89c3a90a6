"""Manifests from files: every problem with the file and line where it is, and what to do about it."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from scriptorium_api.base import Object
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.names import API_VERSION, GROUP
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script

#: No API server takes more in one request; a file of many objects can be split.
_LARGEST_MEGABYTES = 2

#: Input may nest 150 levels; what stands around it adds a few. Python's own stack ends not far above.
_DEEPEST = 200

#: Values that exist only because an alias repeats them; one line of YAML could else fill the memory.
_MOST_REPEATED = 100_000

_TOO_DEEP = f"nested deeper than {_DEEPEST} levels; flatten it"

_OWN_PATTERNS = {
    "timestamp": None,
    "value": None,
    "int": re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"),
    "float": re.compile(
        r"[-+]?((\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(inf|Inf|INF))$|\.(nan|NaN|NAN)$"
    ),
}

_EXPECTED = {
    "string_type": "expected a string; put the value in quotes",
    "int_type": "expected a whole number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "extra_forbidden": "unknown field; check its spelling and its indentation",
    "missing": "required field is missing",
}


class ConfigMap(Object):
    """A ConfigMap, for the sources in it."""

    api_version: Literal["v1"]
    kind: Literal["ConfigMap"]
    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None
    immutable: bool | None = None


_KINDS: dict[str, type[Object]] = {model.__name__: model for model in (Script, ScriptExecution, RunnerPool)}


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
    node: yaml.Node
    object: Object

    @property
    def line(self) -> int:
        """Give the line where it begins."""
        return self.line_of()

    def line_of(self, *location: int | str) -> int:
        """Give the line of the deepest part of the location that the manifest has."""
        return _line_of(self.node, location)


@dataclass(slots=True)
class Loaded:
    """What files hold."""

    objects: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _Flaw(Exception):
    """What keeps a text from being manifests, and its line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: a date is a string, and every value is one of JSON."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Give the next node; the depth is bounded here, where no stack has overflowed yet."""
        if self._depth >= _DEEPEST:
            raise _Flaw(self.peek_event().start_mark.line + 1, _TOO_DEEP)  # type: ignore[no-untyped-call]
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Give the value of a node; one that is not of its tag, or not of JSON, is a flaw."""
        line = node.start_mark.line + 1
        try:
            value = super().construct_object(node, deep)
            return _check_scalar(value) if isinstance(node, yaml.ScalarNode) else value
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            # What yaml's own constructors raise for a value like `!!int foo`.
            written = str(node.value)[:40]
            raise _Flaw(
                line, f'"{written}" is no {node.tag.rpartition(":")[2]} in JSON; put it in quotes'
            ) from error


# Dates, times of day (12:30 is a number in YAML 1.1) and = are strings; 1e3 is a number.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in _OWN_PATTERNS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern in _OWN_PATTERNS.items():
    if _pattern is not None:
        _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, list("-+.0123456789"))


@dataclass(frozen=True, slots=True)
class _Extent:
    """How large a node is with its aliases followed."""

    values: int
    height: int


def load(paths: list[Path]) -> Loaded:
    """Read the manifests of the files; what is wrong is told, never skipped."""
    loaded = Loaded()
    for path in paths:
        try:
            for node in _compose(_read_text(path)):
                _load_document(path, node, loaded)
        except _Flaw as flaw:
            loaded.problems.append(Problem(path, flaw.line, flaw.text))
    return loaded


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_MEGABYTES * 2**20 + 1)
    except OSError as error:
        is_dangling = isinstance(error, FileNotFoundError) and path.is_symlink()
        problem = "it is a link to nothing" if is_dangling else error.strerror
        raise _Flaw(1, f"cannot be read: {problem}; mend or remove it") from error
    if len(data) > _LARGEST_MEGABYTES * 2**20:
        raise _Flaw(1, f"larger than {_LARGEST_MEGABYTES} MiB; split the file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _Flaw(line, "not UTF-8: save the file in that encoding") from error
    if not text.strip():
        raise _Flaw(1, "the file is empty; write a manifest, or remove it")
    # JSON may be indented with tabs, YAML may not; within JSON's strings there are none.
    return text.replace("\t", " ") if path.suffix == ".json" else text


def _compose(text: str) -> Iterator[yaml.Node]:
    """Give the documents of a text as nodes, without those that are empty."""
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            if node is not None and not (isinstance(node, yaml.ScalarNode) and node.value == ""):
                yield node
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        name = f"U+{error.character:04X}"
        raise _Flaw(line, f"not YAML: the character {name} is not allowed; remove it") from error
    except yaml.MarkedYAMLError as error:
        raise _translate(error) from error


def _translate(error: yaml.MarkedYAMLError) -> _Flaw:
    mark = error.problem_mark or error.context_mark
    return _Flaw(mark.line + 1 if mark else 1, f"not YAML: {error.problem}")


def _load_document(path: Path, node: yaml.Node, loaded: Loaded) -> None:
    line = node.start_mark.line + 1
    try:
        body = _construct(node)
    except _Flaw as flaw:
        loaded.problems.append(Problem(path, flaw.line, flaw.text))
        return
    if not isinstance(body, dict):
        loaded.problems.append(
            Problem(path, line, "not a manifest: expected a mapping with apiVersion and kind")
        )
        return
    version, kind = body.get("apiVersion"), body.get("kind")
    if (version, kind) == ("v1", "List"):
        _load_items(path, node, loaded)
    elif (version, kind) == ("v1", "ConfigMap"):
        _load_object(path, node, ConfigMap, loaded)
    elif problem := find_kind_problem(version, kind):
        loaded.problems.append(Problem(path, line, problem))
    elif version == API_VERSION:
        _load_object(path, node, _KINDS[body["kind"]], loaded)


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


def _load_items(path: Path, node: yaml.Node, loaded: Loaded) -> None:
    items = next((value for key, value in node.value if key.value == "items"), None)
    if isinstance(items, yaml.SequenceNode):
        for item in items.value:
            _load_document(path, item, loaded)
    else:
        loaded.problems.append(Problem(path, _line_of(node, ("items",)), "items: expected a list"))


def _load_object(path: Path, node: yaml.Node, model: type[Object], loaded: Loaded) -> None:
    body = _construct(node)
    try:
        found = Found(path, node, model.from_wire({key: body[key] for key in body if key != "status"}))
    except ValidationError as error:
        for each in error.errors():
            place = ".".join(str(part) for part in each["loc"]) or "manifest"
            text = _EXPECTED.get(each["type"], each["msg"].removeprefix("Value error, "))
            loaded.problems.append(Problem(path, _line_of(node, tuple(each["loc"])), f"{place}: {text}"))
        return
    if found.object.metadata.name or found.object.metadata.generate_name:
        loaded.objects.append(found)
    else:
        problem = "metadata.name: give the object a name"
        loaded.problems.append(Problem(path, found.line_of("metadata"), problem))


def _line_of(node: yaml.Node, location: tuple[int | str, ...]) -> int:
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


def _construct(node: yaml.Node) -> Any:
    known: dict[int, _Extent | None] = {}
    if _measure(node, 1, known).values - len(known) > _MOST_REPEATED:
        text = f"its aliases repeat more than {_MOST_REPEATED} values; use fewer of them"
        raise _Flaw(node.start_mark.line + 1, text)
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise _translate(error) from error
    finally:
        loader.dispose()


def _measure(node: yaml.Node, depth: int, known: dict[int, _Extent | None]) -> _Extent:
    """Give a node's extent; refuses circles, keys that stand twice, and what is too deep."""
    line = node.start_mark.line + 1
    if id(node) in known:
        extent = known[id(node)]
        if extent is None:
            raise _Flaw(line, "an alias stands inside of what it names; write the value out")
    else:
        known[id(node)] = None
        _refuse_twin_keys(node)
        parts = [_measure(child, depth + 1, known) for child in _children(node)]
        extent = _Extent(
            1 + sum(part.values for part in parts), 1 + max((part.height for part in parts), default=0)
        )
        known[id(node)] = extent
    if depth + extent.height > _DEEPEST:
        raise _Flaw(line, _TOO_DEEP)
    return extent


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_twin_keys(node: yaml.Node) -> None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    seen: set[str] = set()
    for key in [key for key, _ in pairs if isinstance(key, yaml.ScalarNode)]:
        if key.value in seen:
            text = f'the key "{key.value}" stands twice in one mapping; remove one of them'
            raise _Flaw(key.start_mark.line + 1, text)
        seen.add(key.value)


def _check_scalar(value: Any) -> Any:
    """Give a scalar if JSON has such a value, else raise ValueError; halves of a character are joined."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError(value)
    # JSON may write a character as two escapes; a lone half raises UnicodeError, which is a ValueError.
    return value.encode("utf-16", "surrogatepass").decode("utf-16") if isinstance(value, str) else value
