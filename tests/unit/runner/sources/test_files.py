"""The board of files: what the values of env are in them."""

from pathlib import Path

from scriptorium_runner.executions.decide import Values
from scriptorium_runner.sources import manifests
from scriptorium_runner.sources.files import FileBoard
from tests.unit.runner.dev.manifests import HEAD

OBJECTS = """apiVersion: v1
kind: Secret
metadata: {name: both, namespace: team}
data: {key: b25l, other: dHdv, bytes: /w==}
stringData: {key: plain}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: both, namespace: team}
data: {key: text}
binaryData: {other: dHdv}
---
"""


def read(folder: Path, origin: str, key: str, namespace: str = "team") -> Values:
    (folder / "a.yaml").write_text(
        f"{OBJECTS}{HEAD}kind: Script\nmetadata: {{name: work, namespace: {namespace}}}\nspec:\n"
        f"  source: return 1\n  env: [{{name: A, valueFrom: {{{origin}: {{name: both, key: {key}}}}}}}]\n"
    )
    loaded = manifests.load([folder / "a.yaml"])
    assert loaded.problems == []
    board = FileBoard()
    board.take(loaded)
    script = board.find_script(namespace, "work")
    assert script
    return board.read_values(script)


def test_a_secret_gives_its_plain_text_before_its_base64(tmp_path: Path) -> None:
    assert read(tmp_path, "secretKeyRef", "key").env == {"A": "plain"}
    assert read(tmp_path, "secretKeyRef", "other").env == {"A": "two"}


def test_a_config_map_of_the_same_name_is_another_object(tmp_path: Path) -> None:
    assert read(tmp_path, "configMapKeyRef", "key").env == {"A": "text"}
    assert read(tmp_path, "configMapKeyRef", "other").env == {"A": "two"}


def test_bytes_a_missing_key_and_another_namespace_are_problems(tmp_path: Path) -> None:
    assert "not UTF-8" in read(tmp_path, "secretKeyRef", "bytes").problem
    assert "no value yet" in read(tmp_path, "secretKeyRef", "none").problem
    assert "no value yet" in read(tmp_path, "secretKeyRef", "key", "other").problem
