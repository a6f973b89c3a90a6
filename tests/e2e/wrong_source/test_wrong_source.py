"""What is no JavaScript is refused at the door, with field, line and column, by whatever command it comes."""

import json

import pytest

from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, execution, script

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

WRONG = "const a = 1;\nconst b = 2;\n    let wrong = ;"
SAID = "spec.source: SyntaxError: "
PLACE = " at 3:17"


def attempt(kubectl: Kubectl, namespace: str, manifest: Manifest, *command: str) -> str:
    """Give what a command says about a manifest; it must have failed."""
    done = kubectl.attempt(*command, "--namespace", namespace, "-f", "-", stdin=json.dumps(manifest))
    assert done.returncode != 0, done.stdout
    return done.stderr.strip()


@pytest.mark.parametrize("verb", ["create", "apply", "apply --server-side"])
@pytest.mark.parametrize("wrong", [script(source=WRONG), execution(source=WRONG)], ids=["script", "run"])
def test_a_dry_run_shows_where_a_source_is_wrong(
    verb: str, wrong: Manifest, kubectl: Kubectl, namespace: str
) -> None:
    answer = attempt(kubectl, namespace, wrong, *verb.split(), "--dry-run=server")
    assert answer.startswith(f'The {wrong["kind"]} "sample" is invalid: {SAID}'), answer
    assert answer.endswith(PLACE)


def test_what_is_wrong_is_not_stored_either(kubectl: Kubectl, namespace: str) -> None:
    assert SAID in attempt(kubectl, namespace, script(source=WRONG), "apply")
    assert kubectl.get("script", "sample", namespace) is None


def test_a_change_for_the_worse_is_refused_and_the_script_stays_as_it_was(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(script(source="return 1"), namespace)
    answer = attempt(kubectl, namespace, script(source=WRONG), "apply")
    assert SAID in answer
    assert PLACE in answer
    dry = attempt(kubectl, namespace, script(source=WRONG), "apply", "--dry-run=server")
    assert SAID in dry
    found = kubectl.get("script", "sample", namespace)
    assert found
    assert found["spec"]["source"] == "return 1"
    kubectl.apply(script(source="return 2"), namespace)


def test_a_source_that_takes_the_place_of_a_config_map_is_checked(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script(sourceFrom={"configMapKeyRef": {"name": "code", "key": "main.js"}}), namespace)
    change = json.dumps({"spec": {"source": WRONG, "sourceFrom": None}})
    done = kubectl.attempt(
        "patch", "script", "sample", "--namespace", namespace, "--type=merge", "--patch", change
    )
    assert SAID in done.stderr


def test_what_the_schema_refuses_is_told_in_the_schemas_words(kubectl: Kubectl, namespace: str) -> None:
    answer = attempt(kubectl, namespace, script(source="x" * 65537), "create", "--dry-run=server")
    assert "at most 65536 bytes" in answer
    assert "Warning" not in answer
