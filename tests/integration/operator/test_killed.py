"""The operator ends between any two of its writes; the next one brings the same objects about."""

import sys

import pytest

from tests.integration.operator.stage import (
    Change,
    Stage,
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


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (None, make_script_and_pool),
        (make_script_and_pool, change_source),
        (make_script_and_pool, take_source_from_config_map),
        (make_script_and_resting_pool, name_a_value),
        (make_script_and_pool, delete_parts),
    ],
    ids=[
        "a first script",
        "a changed source",
        "a source from a ConfigMap",
        "a value from a Secret",
        "parts that were deleted",
    ],
)
def test_killed_after_any_write_it_leaves_what_the_next_one_completes(
    first: Change | None, then: Change, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, writes = stage.run(first, then)
    assert writes, "an operator that writes nothing shows nothing"
    with capsys.disabled():
        sys.stdout.write(f" [killed after each of {len(writes)} writes] ")
    for number in range(1, len(writes) + 1):
        found, _ = stage.run(first, then, kill_after=number)
        assert found == wanted, f"killed after write {number}, {writes[number - 1]}"
