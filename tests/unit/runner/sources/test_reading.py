import json
from typing import Any

import pytest

from scriptorium_runner.sources.reading import is_open, is_ready, read_execution
from tests.support.manifests import execution


def stored(**spec: Any) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(json.dumps(execution("run", source="return 1", **spec)))
    item["metadata"] |= {"uid": "1", "namespace": "team", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return item


def test_fields_of_a_newer_version_of_the_api_are_left_alone() -> None:
    item = stored(fieldOfTomorrow={"a": 1})
    item["status"] = {"phase": "Pending", "another": True}
    assert read_execution(item).spec.source == "return 1"


def test_input_too_deep_for_the_model_is_cut() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = {"a": deep}
    assert read_execution(stored(input=deep)).spec.input


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ({}, True),
        ({"phase": "Pending"}, True),
        ({"phase": "Running"}, True),
        ({"phase": "Succeeded"}, False),
        ({"phase": "OfTomorrow"}, False),
    ],
)
def test_a_run_is_open_until_a_phase_says_otherwise(status: dict[str, Any], found: bool) -> None:
    assert is_open(stored() | {"status": status}) is found


def pod(ready: str, **metadata: str) -> dict[str, Any]:
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_a_runner_takes_runs_while_it_is_ready_and_stays() -> None:
    assert is_ready(pod("True"))
    assert not is_ready(pod("False"))
    assert not is_ready(pod("True", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert not is_ready({"metadata": {}})
