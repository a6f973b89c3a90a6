"""Secrets of auth reach the runners: whole ones and single keys, also of one and the same Secret."""

import json
from typing import Any

import pytest

from scriptorium_api import names
from scriptorium_api.env import whole_secret_folder
from tests.e2e.endpoint_objects.test_endpoint_objects import condition_of, endpoint, expect
from tests.support.kubectl import Kubectl
from tests.support.manifests import script
from tests.support.waiting import until_equal

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

#: The kubelet looks once a minute, and what it has cached may be a minute old.
KUBELET_SECONDS = 150

AUTH: list[dict[str, Any]] = [
    {"apiKey": {"secretRef": {"name": "doors"}}},
    {"hmac": {"preset": "github", "secretRef": {"name": "doors", "key": "hook"}}},
]

#: What a runner finds of the Secret: all of it, and the one key.
LOOK = f"""
import json, pathlib
root = pathlib.Path({names.VALUES_FOLDER!r})
def read(path):
    return path.read_text() if path.is_file() else None
whole = root / {whole_secret_folder("doors")!r}
found = {{each.name: read(each) for each in whole.iterdir() if not each.name.startswith("..")}}
print(json.dumps([found, read(root / "secrets/doors/hook")]))
"""


def apply_secret(kubectl: Kubectl, namespace: str, **texts: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "doors"}, "stringData": texts}
    kubectl.apply(manifest, namespace)


def test_a_secret_that_comes_later_or_changes_is_there_without_a_restart(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(script("hello", source="return 1;"), namespace)
    kubectl.apply(endpoint("guarded", path="/guarded", auth=AUTH), namespace)
    # Nobody says whether it exists: the operator may read no Secret.
    expect(kubectl, namespace, "guarded", "Ready")
    assert condition_of(kubectl, namespace, "guarded", "SecretsPending")["status"] == "False"

    def look() -> Any:
        place = ("deployment/scriptorium-runner-default", "--namespace", namespace)
        done = kubectl.attempt("exec", *place, "--", "/opt/scriptorium/bin/python", "-c", LOOK)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    until_equal(look, [{}, None], 60)
    apply_secret(kubectl, namespace, ada="first", hook="signed")
    until_equal(look, [{"ada": "first", "hook": "signed"}, "signed"], KUBELET_SECONDS)
    apply_secret(kubectl, namespace, ada="second", hook="signed")
    until_equal(look, [{"ada": "second", "hook": "signed"}, "signed"], KUBELET_SECONDS)
