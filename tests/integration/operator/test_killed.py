"""The operator ends between any two of its writes; the next one brings the same objects about."""

import sys
from typing import Any

import pytest

from tests.integration.operator.stage import (
    Change,
    Stage,
    View,
    describe,
    is_complete,
    make_script_and_pool,
    make_script_and_resting_pool,
)
from tests.integration.operator.test_operator import (
    FROM_CODE,
    NAME,
    PARTS,
    WITH_VALUE,
    apply_script,
    apply_source,
)
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


def change_source(kubectl: Kubectl, namespace: str) -> None:
    apply_script(kubectl, namespace, {"source": "return 2"})


def take_source_from_config_map(kubectl: Kubectl, namespace: str) -> None:
    apply_source(kubectl, namespace, "return 3")
    apply_script(kubectl, namespace, FROM_CODE)


def name_a_value(kubectl: Kubectl, namespace: str) -> None:
    apply_script(kubectl, namespace, WITH_VALUE)


def delete_parts(kubectl: Kubectl, namespace: str) -> None:
    for kind in PARTS:
        kubectl.run("delete", kind, NAME, "--namespace", namespace)


def make_run_whose_pod_is_refused(kubectl: Kubectl, namespace: str) -> None:
    kubectl.run("create", "quota", "full", "--hard=pods=0", "--namespace", namespace)
    until(lambda: "used" in (kubectl.get("quota", "full", namespace) or {}).get("status", {}))
    run = execution("alone", scriptRef={"name": "hello"}, isolation="Pod", startDeadlineSeconds=8)
    kubectl.create(run, namespace)


def describe_run(kubectl: Kubectl, namespace: str) -> Any:
    """Give how the run ended, and what is left of its Jobs; in the platform's words are random names."""
    status = (kubectl.get("scriptexecution", "alone", namespace) or {}).get("status", {})
    attempts = [(each["number"], each["reason"]) for each in status.get("attempts", [])]
    is_told = "exceeded quota: full" in status.get("message", "")
    return status["phase"], status["reason"], attempts, is_told, kubectl.list("jobs", namespace)


def is_run_over(kubectl: Kubectl, namespace: str) -> bool:
    phase, *_, jobs = describe_run(kubectl, namespace)
    return phase == "Failed" and not jobs


OBJECTS = View(is_complete, describe)
RUN = View(is_run_over, describe_run)


@pytest.mark.parametrize(
    ("first", "then", "view"),
    [
        (None, make_script_and_pool, OBJECTS),
        (make_script_and_pool, change_source, OBJECTS),
        (make_script_and_pool, take_source_from_config_map, OBJECTS),
        (make_script_and_resting_pool, name_a_value, OBJECTS),
        (make_script_and_pool, delete_parts, OBJECTS),
        (make_script_and_pool, make_run_whose_pod_is_refused, RUN),
    ],
    ids=[
        "a first script",
        "a changed source",
        "a source from a ConfigMap",
        "a value from a Secret",
        "parts that were deleted",
        "a run whose pod is refused",
    ],
)
def test_killed_after_any_write_it_leaves_what_the_next_one_completes(
    first: Change | None, then: Change, view: View, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, writes = stage.run(first, then, view=view)
    assert writes, "an operator that writes nothing shows nothing"
    with capsys.disabled():
        sys.stdout.write(f" [killed after each of {len(writes)} writes] ")
    for number in range(1, len(writes) + 1):
        found, _ = stage.run(first, then, number, view)
        assert found == wanted, f"killed after write {number}, {writes[number - 1]}"
