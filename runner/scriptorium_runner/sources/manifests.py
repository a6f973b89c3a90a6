"""Manifests from files: every problem with the file and line where it is, and what to do about it."""

import base64
import binascii
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, ValidationError

from scriptorium_api import schedule_problems
from scriptorium_api.base import Object
from scriptorium_api.cron_script import CronScript
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.names import API_VERSION, GROUP
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_api.script import Script
from scriptorium_api.values import frozen
from scriptorium_runner.sources import documents

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

_WHO_MAY_CALL = "say who may call; for an Endpoint that is open to anybody write [{none: {}}]"

#: What says more than the above, by the kind of error and the field.
_CURES = {
    ("missing", "auth"): f"required field is missing: {_WHO_MAY_CALL}",
    ("too_short", "auth"): _WHO_MAY_CALL,
    (
        "string_pattern_mismatch",
        "host",
    ): "expected a DNS name such as shop.example.com",
    (
        "string_pattern_mismatch",
        "origins",
    ): "expected an origin such as https://app.example.com",
}


def _check_base64(text: str) -> str:
    try:
        # The API server too leaves out line ends.
        base64.b64decode("".join(text.splitlines()), validate=True)
    except (binascii.Error, ValueError):
        # The cause may quote what is secret.
        raise ValueError("not base64; write plain text under stringData instead") from None
    return text


Base64 = Annotated[str, AfterValidator(_check_base64)]


class Secret(Object):
    """A Secret, for the values in it."""

    api_version: Literal["v1"]
    kind: Literal["Secret"]
    data: dict[str, Base64] | None = None
    string_data: dict[str, str] | None = None
    type: str | None = None
    immutable: bool | None = None


class ConfigMap(Object):
    """A ConfigMap, for the sources and values in it."""

    api_version: Literal["v1"]
    kind: Literal["ConfigMap"]
    data: dict[str, str] | None = None
    binary_data: dict[str, Base64] | None = None
    immutable: bool | None = None


_CORE_KINDS: dict[str, type[Object]] = {model.__name__: model for model in (ConfigMap, Secret)}

_KINDS: dict[str, type[Object]] = {
    model.__name__: model for model in (Script, ScriptExecution, CronScript, Endpoint, RunnerPool)
}


@frozen
class Problem:
    """What is wrong with a manifest, and where."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@frozen
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
        return documents.line_of(self.node, location)


@dataclass(slots=True)
class Loaded:
    """What files hold."""

    objects: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def load(paths: list[Path]) -> Loaded:
    """Read the manifests of the files; what is wrong is told, never skipped."""
    loaded = Loaded()
    for path in paths:
        try:
            for node in documents.compose(documents.read_text(path)):
                _load_document(path, node, loaded)
        except documents.Flaw as flaw:
            loaded.problems.append(Problem(path, flaw.line, flaw.text))
    return loaded


def _load_document(path: Path, node: yaml.Node, loaded: Loaded) -> None:
    line = node.start_mark.line + 1
    try:
        body = documents.construct(node)
    except documents.Flaw as flaw:
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
    elif version == "v1" and kind in _CORE_KINDS:
        _load_object(path, node, _CORE_KINDS[body["kind"]], loaded)
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


def _render_place(location: tuple[int | str, ...]) -> str:
    """Write a place as the API server does: spec.env[0].name."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".") or "manifest"


def _load_items(path: Path, node: yaml.Node, loaded: Loaded) -> None:
    items = next((value for key, value in node.value if key.value == "items"), None)
    if isinstance(items, yaml.SequenceNode):
        for item in items.value:
            _load_document(path, item, loaded)
    else:
        loaded.problems.append(Problem(path, documents.line_of(node, ("items",)), "items: expected a list"))


def _load_object(path: Path, node: yaml.Node, model: type[Object], loaded: Loaded) -> None:
    body = documents.construct(node)
    try:
        found = Found(path, node, model.from_wire({key: body[key] for key in body if key != "status"}))
    except ValidationError as error:
        for each in error.errors():
            place, text = each["loc"], _explain(each["type"], each["loc"], each["msg"])
            line = documents.line_of(node, tuple(place))
            loaded.problems.append(Problem(path, line, f"{_render_place(place)}: {text}"))
        return
    if problem := _find_problem(found.object):
        location = problem.partition(":")[0].split(".")
        loaded.problems.append(Problem(path, found.line_of(*location), problem))
    else:
        loaded.objects.append(found)


def _explain(kind: str, location: tuple[int | str, ...], message: str) -> str:
    """Say what is wrong with a field, and the cure."""
    field_name = next((part for part in reversed(location) if isinstance(part, str)), "")
    return _CURES.get((kind, field_name)) or _EXPECTED.get(kind) or message.removeprefix("Value error, ")


def _find_problem(found: Object) -> str | None:
    """Say what is wrong with an object that its model takes, beginning with the field."""
    cron_script = found if isinstance(found, CronScript) else None
    # A schedule's runs are named for it, and what answers a path must be the same tomorrow.
    needs_name = isinstance(found, CronScript | Endpoint) or not found.metadata.generate_name
    if not found.metadata.name and needs_name:
        return "metadata.name: give the object a name"
    return schedule_problems.find_problem(cron_script.spec) if cron_script else None
