"""The field reference of every kind as Markdown, as a pure function of the CRDs."""

from collections.abc import Iterator
from typing import Any

from scriptorium_api.crds import KINDS, build_crd
from scriptorium_api.cron_script import MissReason
from scriptorium_api.names import API_VERSION
from scriptorium_api.reasons import Reason

_HEAD = f"""# API reference

Rendered from the models by `make crds`. API version `{API_VERSION}`; everything is namespaced, and
references are by name in the same namespace. MB and KB are MiB and KiB. `kubectl explain` shows the same.
"""


def render_reference() -> str:
    """Give the whole page."""
    return "\n".join(
        [_HEAD, *(_render_kind(kind.model.__name__) for kind in KINDS), _render_reasons(), _render_misses()]
    )


def _render_kind(name: str) -> str:
    kind = next(kind for kind in KINDS if kind.model.__name__ == name)
    schema = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    lines = [f"## {name}", "", schema["description"], ""]
    lines += [f"`{kind.plural}`, short `{kind.short_name}`, category `scriptorium`.", ""]
    lines += [f"- {each['message']}" for each in _rules(schema)]
    lines += ["", "| field | type | default | what it is |", "| --- | --- | --- | --- |"]
    for part in ("spec", "status"):
        lines += [_render_row(path, field) for path, field in _walk(schema["properties"][part], part)]
    return "\n".join([*lines, ""])


def _rules(schema: dict[str, Any]) -> list[dict[str, str]]:
    """Give the cross-field rules of an object and its spec, each message once."""
    rules = [
        rule
        for node in (schema, schema["properties"]["spec"])
        for rule in node.get("x-kubernetes-validations", [])
    ]
    return list({rule["message"]: rule for rule in rules}.values())


def _walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from _walk(child, f"{path}.{name}")
        if "items" in child:
            yield from _walk(child["items"], f"{path}.{name}[]")


def _render_row(path: str, field: dict[str, Any]) -> str:
    default = field.get("default")
    shown = "" if default in (None, {}, [], "") or isinstance(default, dict) else f"`{_text(default)}`"
    return f"| `{path}` | {_render_type(field)} | {shown} | {field['description']} |"


def _render_type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("x-kubernetes-preserve-unknown-fields"):
        return "JSON object" if field.get("type") == "object" else "any JSON"
    if "minimum" in field and "maximum" in field:
        return f"{field['type']}, {field['minimum']} to {field['maximum']}"
    kind: str = field.get("type", "")
    return kind if kind != "array" else "list"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _render_reasons() -> str:
    lines = [
        "## Reasons",
        "",
        "Why a run is in its phase: a closed list.",
        "",
        "| reason | phase | meaning |",
        "| --- | --- | --- |",
    ]
    for reason in Reason:
        phase, _, meaning = reason.meaning.partition(": ")
        lines.append(f"| `{reason}` | {phase} | {meaning[:1].upper()}{meaning[1:]} |")
    return "\n".join([*lines, ""])


def _render_misses() -> str:
    lines = [
        "## Slots that are not run",
        "",
        "Why a slot of a CronScript has no ScriptExecution: a closed list, as `status.misses` has it.",
        "",
        "| reason | outcome | meaning |",
        "| --- | --- | --- |",
    ]
    for reason in MissReason:
        meaning = reason.meaning.partition(": ")[2]
        lines.append(f"| `{reason}` | {reason.outcome} | {meaning[:1].upper()}{meaning[1:]} |")
    return "\n".join([*lines, ""])
