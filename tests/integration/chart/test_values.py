"""Every value of the chart does something: each is changed, and the manifests must follow."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.chart.rendering import CHART, attempt_helm, render

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())

#: What a value needs besides itself to be seen.
WITH_MONITORS = {"serviceMonitor": {"enabled": True}}
ALONGSIDE = {"serviceMonitor.labels": WITH_MONITORS, "serviceMonitor.interval": WITH_MONITORS}

#: Where a pattern asks for more than a word.
OTHERS: dict[str, Any] = {
    "operator.resources.requests.cpu": "70m",
    "operator.resources.requests.memory": "70Mi",
    "operator.resources.limits.memory": "700Mi",
    "serviceMonitor.interval": "45s",
    "runner.limits.timeoutSeconds": 60,
    "runner.limits.memoryMB": 256,
    "networkPolicy.apiServer.cidrs": ["10.1.2.3/32"],
    "endpoints.allowedHosts": {"team-*": ["*.example.com"]},
    "endpoints.from.cidrs": ["10.20.0.0/16"],
    "endpoints.trustedProxies": ["10.20.7.1"],
    "http.privateCIDRs": ["10.20.0.0/16"],
    "http.deniedCIDRs": ["10.20.7.1"],
    "http.proxy.url": "http://proxy.example.com:3128",
    "http.caBundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}


def list_leaves(values: dict[str, Any], path: str = "") -> list[str]:
    """Give the paths of all values; an empty mapping is one."""
    found: list[str] = []
    for key, value in values.items():
        here = f"{path}.{key}".lstrip(".")
        found += list_leaves(value, here) if isinstance(value, dict) and value else [here]
    return found


def schema_of(path: str) -> dict[str, Any]:
    """Give what the schema says of a value, and fail where it says nothing."""
    found = SCHEMA
    for key in path.split("."):
        found = resolve(found)
        below = found.get("properties", {}).get(key) or found.get("additionalProperties")
        assert isinstance(below, dict), f"{path} is not in values.schema.json"
        found = below
    return resolve(found)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    return SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def value_at(path: str) -> Any:
    found = VALUES
    for key in path.split("."):
        found = found[key]
    return found


def find_other(schema: dict[str, Any], value: Any) -> Any:
    """Give another value that the schema allows."""
    schema = resolve(schema)
    kind = schema.get("type", "enum")
    if kind == "enum":
        return next(choice for choice in schema["enum"] if choice != value)
    if kind == "array":
        return [find_other(schema["items"], None)]
    if "properties" in schema:
        return {key: find_other(below, None) for key, below in schema["properties"].items()}
    if kind == "integer":
        return (value or schema.get("minimum", 0)) + 1
    return {"boolean": not value, "object": {"other": "other"}}.get(kind, "other")


def other_of(path: str) -> Any:
    return OTHERS.get(path) or find_other(schema_of(path), value_at(path))


def nest(path: str, value: Any) -> dict[str, Any]:
    """Give the values file that sets a value."""
    for key in reversed(path.split(".")):
        value = {key: value}
    nested: dict[str, Any] = value
    return nested


def render_values(folder: Path, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    options = []
    for number, part in enumerate(parts):
        path = folder / f"values-{number}.yaml"
        path.write_text(yaml.safe_dump(part))
        options.append(f"--values={path}")
    return render(*options)


@cache
def render_before(path: str, folder: Path) -> list[dict[str, Any]]:
    return render_values(folder, ALONGSIDE.get(path, {}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the values files of all tests are."""
    return tmp_path_factory.mktemp("values")


@pytest.mark.parametrize("path", list_leaves(VALUES))
def test_a_changed_value_changes_what_is_rendered(path: str, folder: Path) -> None:
    other = other_of(path)
    assert type(other) is type(value_at(path))
    assert other != value_at(path)
    changed = render_values(folder, ALONGSIDE.get(path, {}), nest(path, other))
    assert changed != render_before(path if path in ALONGSIDE else "", folder)


def test_the_same_values_render_the_same_manifests(folder: Path) -> None:
    assert render_values(folder, {}) == render_values(folder, {})


def test_helm_has_nothing_against_the_chart_with_all_values_changed(folder: Path) -> None:
    options = []
    for number, path in enumerate(list_leaves(VALUES)):
        file = folder / f"all-{number}.yaml"
        file.write_text(yaml.safe_dump(nest(path, other_of(path))))
        options.append(f"--values={file}")
    done = attempt_helm("lint", "--strict", str(CHART), *options)
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout


def test_the_schema_knows_no_value_that_is_not_in_the_values() -> None:
    def list_known(schema: dict[str, Any], values: Any, path: str) -> list[str]:
        below = resolve(schema).get("properties", {})
        return [
            each
            for key, part in below.items()
            for each in (
                list_known(part, values[key], f"{path}.{key}")
                if isinstance(values, dict) and key in values
                else [f"{path}.{key}"]
            )
        ]

    # Helm itself hands the global values down to every chart.
    assert list_known(SCHEMA, VALUES, "") == [".global"]
