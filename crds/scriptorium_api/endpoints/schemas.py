"""The JSON Schemas of Endpoints: which are taken, and how they check. For operator and runner alike.

A schema is the tenant's, and what it checks is anybody's, so what one check can cost is bounded when the
schema is read: by its size, its patterns, and how many of its parts can look at one and the same value.
Patterns are matched in linear time. Nothing is ever fetched: a $ref stays within its schema.

The library is loaded with the first schema: most runners never see one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jsonschema_rs

Schema = Mapping[str, Any]

MAX_BYTES = 65536
MAX_LEVELS = 64
MAX_PATTERNS = 64
MAX_PATTERN = 512
#: What one pattern may take when it is compiled, and of a runner's memory while it matches.
MAX_PATTERN_BYTES = 524_288

#: How deep a body can be: the parser of bodies takes no more.
MAX_BODY_LEVELS = 200
#: How many parts of a schema may look at one value, in the deepest body: as many as 50 at each level.
MAX_CHECKS = 10_000
#: How many parts may follow each other at one value, such as a $ref of a $ref.
MAX_CHAIN = 100

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS = (DRAFT, "http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-07/schema")

#: What holds one schema, a list of them, or schemas by name, for the value itself and for what is in it.
_HERE = ("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies")
_EVERY = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "patternProperties"),
    *("items", "contains", "additionalItems", "unevaluatedItems"),
)
#: Of these each value within has at most one.
_ONE_OF = ("properties", "prefixItems")
_FOREIGN = ("$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary")


class BadSchema(ValueError):
    """This schema is not taken; the message says what to change."""


def find_schema_problem(schema: Schema) -> str | None:
    """Say what keeps a schema from being taken, and the cure; None if nothing does."""
    try:
        compile_schema(schema)
    except BadSchema as error:
        return str(error)
    return None


def compile_schema(schema: Schema) -> "jsonschema_rs.Validator":
    """Make what checks values against a schema; raises BadSchema."""
    _check_size(schema)
    parts = _collect(schema)
    _check_patterns(parts)
    _check_costs(parts)
    # Only here, since it takes 6 MB.
    import jsonschema_rs  # noqa: PLC0415

    options = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES, dfa_size_limit=MAX_PATTERN_BYTES)
    try:
        return jsonschema_rs.validator_for(
            dict(schema),
            validate_formats=True,
            ignore_unknown_formats=False,
            pattern_options=options,
            mask="the value",
            offline=True,
        )
    except jsonschema_rs.ValidationError as error:
        raise BadSchema(f"is no JSON Schema: {_tell(error, schema)}") from error
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise BadSchema(f"is no JSON Schema: {error}") from error


@dataclass(slots=True)
class _Part:
    """A schema within a schema, and what it has look at a value besides."""

    weight: int
    patterns: tuple[str, ...]
    here: tuple[int, ...] = ()
    """At the same value."""
    within: tuple[int, ...] = ()
    """At every value in it."""
    one_of: tuple[int, ...] = ()
    """At some of the values in it, each of which has one of these at most."""


def _tell(error: Any, schema: Schema) -> str:
    """Say in the library's words what a schema has wrong, and where."""
    found: Any = schema
    for step in error.instance_path:
        found = found[step]
    text = str(error.message).splitlines()[0]
    if text.endswith('is not a "regex"'):
        text = "the pattern has look-around, a back reference or a large repetition, or is none"
    place = "/".join(str(each) for each in error.instance_path)
    return f"{text[:300]} (at /{place}: {_show(found)})" if place else text[:300]


def _check_size(schema: Schema) -> None:
    try:
        text = json.dumps(schema)
    except RecursionError:
        raise BadSchema(f"must be at most {MAX_LEVELS} levels deep") from None
    if len(text) > MAX_BYTES:
        raise BadSchema(f"must be at most {MAX_BYTES} bytes")
    if _measure_levels(text) > MAX_LEVELS:
        raise BadSchema(f"must be at most {MAX_LEVELS} levels deep")
    draft = schema.get("$schema", DRAFT)
    if draft not in _DRAFTS:
        raise BadSchema(f"$schema must be {DRAFT} or that of draft-07, or be left out")


def _measure_levels(text: str) -> int:
    """Give how deep a JSON text is, and more where its strings have brackets."""
    level = deepest = 0
    for sign in text:
        if sign in "[{":
            level += 1
            deepest = max(deepest, level)
        elif sign in "]}":
            level -= 1
    return deepest


def _collect(schema: Schema) -> list[_Part]:
    """Give all parts that can be reached, the root first."""
    found: dict[int, int] = {id(schema): 0}
    nodes: list[Any] = [schema]
    parts: list[_Part] = []

    def place(node: Any) -> int:
        if id(node) not in found:
            found[id(node)] = len(nodes)
            nodes.append(node)
        return found[id(node)]

    while len(parts) < len(nodes):
        node = nodes[len(parts)]
        parts.append(_read_part(node, schema) if isinstance(node, dict) else _Part(1, ()))
        if isinstance(node, dict):
            here = [*_list_children(node, _HERE), *_follow(node, schema)]
            # What is not evaluated is found by evaluating the rest once more.
            again = 2 if "unevaluatedProperties" in node or "unevaluatedItems" in node else 1
            parts[-1].here = tuple(place(each) for each in here) * again
            parts[-1].within = tuple(place(each) for each in _list_children(node, _EVERY))
            parts[-1].one_of = tuple(place(each) for each in _list_children(node, _ONE_OF))
    return parts


def _read_part(node: dict[str, Any], root: Schema) -> _Part:
    for keyword in _FOREIGN:
        if keyword in node:
            raise BadSchema(f"must not have {keyword}; write $ref with #/$defs/NAME")
    if "$id" in node and node is not root:
        raise BadSchema("must not have $id but at its top; write $ref with #/$defs/NAME")
    own = node.get("pattern")
    names = node.get("patternProperties")
    patterns = [own] if isinstance(own, str) else []
    patterns += list(names) if isinstance(names, dict) else []
    values = node.get("enum")
    return _Part(1 + (len(values) if isinstance(values, list) else 0), tuple(patterns))


def _list_children(node: dict[str, Any], keywords: tuple[str, ...]) -> Iterator[Any]:
    for keyword in keywords:
        value = node.get(keyword)
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict):
            is_named = keyword in ("properties", "patternProperties", "dependentSchemas", "dependencies")
            yield from value.values() if is_named else [value]


def _follow(node: dict[str, Any], root: Schema) -> Iterator[Any]:
    """Give what a $ref leads to."""
    ref = node.get("$ref")
    if ref is None:
        return
    if not isinstance(ref, str) or not (ref == "#" or ref.startswith("#/")):
        raise BadSchema(f"$ref must stay within the schema, such as #/$defs/NAME; {_show(ref)} does not")
    target: Any = root
    for step in ref[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and name.isascii() and name.isdigit() and int(name) < len(target):
            target = target[int(name)]
        elif isinstance(target, dict) and name in target:
            target = target[name]
        else:
            raise BadSchema(f"$ref leads nowhere: {_show(ref)}")
    yield target


def _show(value: Any) -> str:
    return repr(value)[:200]


def _check_patterns(parts: list[_Part]) -> None:
    patterns = [pattern for part in parts for pattern in part.patterns]
    if len(patterns) > MAX_PATTERNS:
        raise BadSchema(f"must have at most {MAX_PATTERNS} patterns")
    if any(len(pattern) > MAX_PATTERN for pattern in patterns):
        raise BadSchema(f"patterns must have at most {MAX_PATTERN} characters")


def _check_costs(parts: list[_Part]) -> None:
    """Refuse what can multiply: for a value with so many levels in it, count who looks at the deepest."""
    order = _sort(parts)
    below = [0] * len(parts)
    for _ in range(MAX_BODY_LEVELS):
        costs = [0] * len(parts)
        for place in order:
            part = parts[place]
            within = sum(below[each] for each in part.within)
            most = max((below[each] for each in part.one_of), default=0)
            costs[place] = part.weight + sum(costs[each] for each in part.here) + within + most
            if costs[place] > MAX_CHECKS:
                raise BadSchema(
                    f"has more than {MAX_CHECKS} parts that look at one value: branches of allOf, anyOf or"
                    " oneOf that lead to the same part multiply; use if and then, or fewer branches"
                )
        if costs == below:
            return
        below = costs


def _sort(parts: list[_Part]) -> list[int]:
    """Give the parts so that each comes after those that look at the same value for it."""
    order: list[int] = []
    state: dict[int, bool] = {}

    def visit(place: int, chain: int) -> None:
        if chain > MAX_CHAIN:
            raise BadSchema(f"must not lead through more than {MAX_CHAIN} parts for one value")
        if place in state:
            if not state[place]:
                raise BadSchema("has a $ref that leads back to itself without going into the value")
            return
        state[place] = False
        for each in parts[place].here:
            visit(each, chain + 1)
        state[place] = True
        order.append(place)

    for place in range(len(parts)):
        visit(place, 0)
    return order
