"""YAML and JSON files as kubectl reads them: every value one of JSON, every flaw with its line."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scriptorium_api.values import frozen

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


class Flaw(Exception):
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
            raise Flaw(self.peek_event().start_mark.line + 1, _TOO_DEEP)  # type: ignore[no-untyped-call]
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
            raise Flaw(
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


@frozen
class _Extent:
    """How large a node is with its aliases followed."""

    values: int
    height: int


def read_text(path: Path) -> str:
    """Give the text of a file; raises Flaw."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_MEGABYTES * 2**20 + 1)
    except OSError as error:
        is_dangling = isinstance(error, FileNotFoundError) and path.is_symlink()
        problem = "it is a link to nothing" if is_dangling else error.strerror
        raise Flaw(1, f"cannot be read: {problem}; mend or remove it") from error
    if len(data) > _LARGEST_MEGABYTES * 2**20:
        raise Flaw(1, f"larger than {_LARGEST_MEGABYTES} MiB; split the file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Flaw(line, "not UTF-8: save the file in that encoding") from error
    if not text.strip():
        raise Flaw(1, "the file is empty; write a manifest, or remove it")
    # JSON may be indented with tabs, YAML may not; within JSON's strings there are none.
    return text.replace("\t", " ") if path.suffix == ".json" else text


def compose(text: str) -> Iterator[yaml.Node]:
    """Give the documents of a text as nodes, without those that are empty; raises Flaw."""
    try:
        for node in yaml.compose_all(text, Loader=_Loader):
            if node is not None and not (isinstance(node, yaml.ScalarNode) and node.value == ""):
                yield node
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        name = f"U+{error.character:04X}"
        raise Flaw(line, f"not YAML: the character {name} is not allowed; remove it") from error
    except yaml.MarkedYAMLError as error:
        raise _translate(error) from error


def _translate(error: yaml.MarkedYAMLError) -> Flaw:
    mark = error.problem_mark or error.context_mark
    return Flaw(mark.line + 1 if mark else 1, f"not YAML: {error.problem}")


def line_of(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    """Give the line of the deepest part of the location that the node has."""
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


def construct(node: yaml.Node) -> Any:
    """Give the value of a document; raises Flaw for circles, twin keys, and what is too deep or too large."""
    known: dict[int, _Extent | None] = {}
    if _measure(node, 1, known).values - len(known) > _MOST_REPEATED:
        text = f"its aliases repeat more than {_MOST_REPEATED} values; use fewer of them"
        raise Flaw(node.start_mark.line + 1, text)
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
            raise Flaw(line, "an alias stands inside of what it names; write the value out")
    else:
        known[id(node)] = None
        _refuse_twin_keys(node)
        parts = [_measure(child, depth + 1, known) for child in _children(node)]
        extent = _Extent(
            1 + sum(part.values for part in parts), 1 + max((part.height for part in parts), default=0)
        )
        known[id(node)] = extent
    if depth + extent.height > _DEEPEST:
        raise Flaw(line, _TOO_DEEP)
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
            raise Flaw(key.start_mark.line + 1, text)
        seen.add(key.value)


def _check_scalar(value: Any) -> Any:
    """Give a scalar if JSON has such a value, else raise ValueError; halves of a character are joined."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError(value)
    # JSON may write a character as two escapes; a lone half raises UnicodeError, which is a ValueError.
    return value.encode("utf-16", "surrogatepass").decode("utf-16") if isinstance(value, str) else value
