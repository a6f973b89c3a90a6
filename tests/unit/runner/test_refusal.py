"""A runner that cannot begin takes nothing, and says in one line what it lacks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scriptorium_runner import last_words
from tests.support import unsealable

#: Nobody listens there; what asks the API server anything would not end like this.
KUBECONFIG = {
    "current-context": "none",
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "none", "user": {"token": "none"}}],
}
VARIABLES = {
    "POD_NAMESPACE": "team",
    "POD_NAME": "runner-1",
    "POD_UID": "uid",
    "SCRIPTORIUM_TENANT_ID": "ns-uid",
    "SCRIPTORIUM_HTTP_NODE_ADDRESSES": "192.0.2.1",
    "SCRIPTORIUM_HTTP_DENIED_ADDRESSES": "192.0.2.2",
    "SCRIPTORIUM_EXECUTION": "once",
    "SCRIPTORIUM_EXECUTION_UID": "run-uid",
    "SCRIPTORIUM_HEALTH_PORT": "0",
    "SCRIPTORIUM_INTERNAL_PORT": "0",
}


@pytest.mark.parametrize("command", ["pool", "run"])
def test_a_runner_that_cannot_seal_ends_with_the_layer_and_the_cure(tmp_path: Path, command: str) -> None:
    (tmp_path / "config").write_text(json.dumps(KUBECONFIG))
    told = tmp_path / "termination-log"
    told.touch()
    done = subprocess.run(
        [sys.executable, "-c", unsealable.RUNNER, command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ
        | VARIABLES
        | {"KUBECONFIG": str(tmp_path / "config"), "SCRIPTORIUM_TERMINATION_LOG": str(told)},
    )
    (line,) = [json.loads(text) for text in done.stdout.splitlines() if "sandbox not sealed" in text]
    assert (done.returncode, line["level"]) == (2, "error")
    assert "the sandbox lacks what it requires: landlock (" in line["error"]
    assert "sandbox.requireLandlock" in line["error"]
    assert told.read_text() == line["error"]
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["pool", "run"])
def test_a_runner_with_a_bad_setting_ends_with_its_name(tmp_path: Path, command: str) -> None:
    told = tmp_path / "termination-log"
    told.touch()
    done = subprocess.run(
        [sys.executable, "-m", "scriptorium_runner", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | VARIABLES | {"SCRIPT_TIMEOUT_MS": "soon", "SCRIPTORIUM_TERMINATION_LOG": str(told)},
    )
    assert done.returncode == 2
    assert told.read_text().startswith("SCRIPT_TIMEOUT_MS must be ")
    assert told.read_text() in done.stderr


def test_where_kubernetes_does_not_look_nothing_is_left(tmp_path: Path) -> None:
    last_words.leave("no", tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


def test_last_words_are_no_longer_than_kubernetes_keeps(tmp_path: Path) -> None:
    place = tmp_path / "termination-log"
    place.touch()
    last_words.leave("é" * 5000, place)
    assert len(place.read_bytes()) == 4096
