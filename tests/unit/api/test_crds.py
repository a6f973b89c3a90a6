"""What is rendered is what is committed, and what a CRD has to have."""

from pathlib import Path
from typing import Any

import pytest

from scriptorium_api.__main__ import render_crds
from scriptorium_api.crds import build_crds
from scriptorium_api.reference import render_reference

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("folder", ["crds", "helm/scriptorium/files/crds"])
def test_the_committed_crds_are_what_the_models_render(folder: str) -> None:
    committed = {path.name: path.read_text() for path in (ROOT / folder).glob("*.yaml")}
    assert committed == render_crds(), "run `make crds`"


def test_the_committed_reference_is_what_the_models_render() -> None:
    assert (ROOT / "docs" / "api.md").read_text() == render_reference(), "run `make crds`"


def schemas() -> dict[str, Any]:
    return {
        name: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        for name, crd in build_crds().items()
    }


def walk(schema: dict[str, Any], path: str) -> list[tuple[str, dict[str, Any]]]:
    found = [(path, schema)]
    for name, child in schema.get("properties", {}).items():
        found += walk(child, f"{path}.{name}")
    if "items" in schema:
        found += walk(schema["items"], f"{path}[]")
    return found


@pytest.mark.parametrize("name", build_crds())
def test_every_field_says_what_it_is(name: str) -> None:
    for part in ("spec", "status"):
        for path, schema in walk(schemas()[name][part], part):
            assert "description" in schema, path


@pytest.mark.parametrize("name", build_crds())
def test_every_list_has_a_bound(name: str) -> None:
    for part in ("spec", "status"):
        for path, schema in walk(schemas()[name][part], part):
            assert schema.get("type") != "array" or "maxItems" in schema, path


@pytest.mark.parametrize("name", build_crds())
def test_only_open_json_keeps_what_is_unknown(name: str) -> None:
    allowed = {
        *("spec.input", "status.output", "status.logs[].data"),
        *("spec.requestSchema.body", "spec.requestSchema.query"),
    }
    for part in ("spec", "status"):
        for path, schema in walk(schemas()[name][part], part):
            if "x-kubernetes-preserve-unknown-fields" in schema:
                assert path in allowed


#: What a structural schema may say; the API server refuses the rest, or drops it without a word.
STRUCTURAL = {
    *("type", "description", "properties", "required", "items", "additionalProperties", "default", "enum"),
    *("minimum", "maximum", "minLength", "maxLength", "pattern", "format"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
    *("x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
    *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"),
}


@pytest.mark.parametrize("name", build_crds())
def test_a_schema_says_nothing_that_the_api_server_does_not_know(name: str) -> None:
    for part in ("spec", "status"):
        for path, schema in walk(schemas()[name][part], part):
            assert set(schema) <= STRUCTURAL, path


def test_no_field_lets_a_manifest_reach_another_namespace_or_account() -> None:
    forbidden = {"namespace", "template", "serviceAccountName", "annotations", "hostPath", "volumes"}
    for name in build_crds():
        for path, _ in walk(schemas()[name]["spec"], "spec"):
            assert path.rpartition(".")[2] not in forbidden, f"{name} {path}"


def test_a_run_is_pending_from_the_moment_it_exists() -> None:
    assert schemas()["scriptexecutions.yaml"]["status"]["default"] == {
        "phase": "Pending",
        "reason": "Queued",
        "triggeredBy": "Manual",
    }


def test_every_field_of_a_run_but_cancel_is_fixed() -> None:
    spec = schemas()["scriptexecutions.yaml"]["spec"]
    for name, schema in spec["properties"].items():
        rules = [each["rule"] for each in schema.get("x-kubernetes-validations", [])]
        assert ("self == oldSelf" in rules) == (name != "cancel"), name
        presence = [each["rule"] for each in spec["x-kubernetes-validations"]]
        assert (f"has(self.{name}) == has(oldSelf.{name})" in presence) == (name != "cancel"), name


def test_the_host_of_an_endpoint_is_fixed() -> None:
    spec = schemas()["scriptendpoints.yaml"]["spec"]
    rules = [each["rule"] for each in spec["x-kubernetes-validations"]]
    assert "has(self.host) == has(oldSelf.host) && (!has(self.host) || self.host == oldSelf.host)" in rules
