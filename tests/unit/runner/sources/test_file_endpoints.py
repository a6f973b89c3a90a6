"""Endpoints of files, with what an API server would add to them."""

from pathlib import Path

from scriptorium_runner.sources import manifests
from scriptorium_runner.sources.files import FileBoard

FILE = """
apiVersion: scriptorium.dev/v1alpha1
kind: Endpoint
metadata: {name: hello}
spec:
  path: /hello
  auth: [{apiKey: {secretRef: {name: keys}}}]
  script: {source: "return 1"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
data: {ada: a2V5}
stringData: {bob: plain}
"""


def take(board: FileBoard, folder: Path, text: str = FILE) -> None:
    path = folder / "file.yaml"
    path.write_text(text)
    loaded = manifests.load([path])
    assert loaded.problems == []
    board.take(loaded)


def test_an_endpoint_stays_who_it_is_while_its_file_changes(tmp_path: Path) -> None:
    board = FileBoard()
    take(board, tmp_path)
    (first,) = board.list_endpoints()
    take(board, tmp_path, FILE.replace("/hello", "/other"))
    (second,) = board.list_endpoints()
    assert (first.spec.path, second.spec.path) == ("/hello", "/other")
    assert first.metadata.namespace == "default"
    assert first.metadata.uid == second.metadata.uid
    assert first.metadata.creation_timestamp == second.metadata.creation_timestamp is not None


def test_a_script_that_stands_inline_is_there(tmp_path: Path) -> None:
    board = FileBoard()
    take(board, tmp_path)
    ((namespace, name),) = board.scripts()
    found = board.find_script(namespace, name)
    assert found is not None
    assert found.spec.source == "return 1"


def test_secrets_are_read_as_a_whole_and_by_their_keys(tmp_path: Path) -> None:
    board = FileBoard()
    take(board, tmp_path)
    secrets = board.open_secrets("default")
    assert secrets.read("keys") == {"ada": b"key", "bob": b"plain"}
    assert secrets.read_key("keys", "ada") == b"key"
    assert (secrets.read("other"), secrets.read_key("keys", "eve")) == (None, None)
    assert board.open_secrets("elsewhere").read("keys") is None


def test_every_look_at_the_files_may_have_changed_a_value(tmp_path: Path) -> None:
    board = FileBoard()
    take(board, tmp_path)
    before = board.find_values_state()
    take(board, tmp_path)
    assert board.find_values_state() != before


def test_an_endpoint_has_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(FILE.replace("{name: hello}", "{generateName: hello-}"))
    (problem,) = manifests.load([path]).problems
    assert "metadata.name: give the object a name" in str(problem)
