"""Secrets as the kubelet writes them: a new folder, then one link moved, then the old folder removed."""

import os
import shutil
from pathlib import Path

import pytest

from scriptorium_runner.sources import secret_files
from scriptorium_runner.sources.secret_files import SecretFiles


class Kubelet:
    """Writes states of one volume."""

    def __init__(self, volume: Path) -> None:
        self._volume = volume
        self._volume.mkdir(parents=True)
        self._states = 0

    def put(self, files: dict[str, bytes]) -> None:
        """Exchange all files of the volume at once."""
        old = self._volume / f"..state-{self._states}"
        self._states += 1
        state = self._volume / f"..state-{self._states}"
        state.mkdir()
        for name, content in files.items():
            (state / name).parent.mkdir(parents=True, exist_ok=True)
            (state / name).write_bytes(content)
            top = name.split("/")[0]
            if not (self._volume / top).is_symlink():
                (self._volume / top).symlink_to(f"..data/{top}")
        (self._volume / "..data_tmp").symlink_to(state.name)
        os.replace(self._volume / "..data_tmp", self._volume / "..data")
        if old.exists():
            shutil.rmtree(old)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "values"


@pytest.fixture
def single(folder: Path) -> Kubelet:
    return Kubelet(folder)


@pytest.fixture
def whole(folder: Path) -> Kubelet:
    return Kubelet(folder / "whole-secrets" / "keys")


def test_a_whole_secret_is_all_its_values_and_nothing_of_the_kubelets(folder: Path, whole: Kubelet) -> None:
    whole.put({"shop": b"one", ".till": b"\xff"})
    assert SecretFiles(folder).read("keys") == {"shop": b"one", ".till": b"\xff"}


def test_a_single_key_is_in_the_volume_of_all_values(folder: Path, single: Kubelet) -> None:
    single.put({"secrets/hooks/token": b"s3cret", "secrets/other/token": b"x"})
    files = SecretFiles(folder)
    assert files.read_key("hooks", "token") == b"s3cret"
    assert files.read_key("hooks", "other") is None


def test_values_that_are_exchanged_are_seen_at_the_next_look(
    folder: Path, single: Kubelet, whole: Kubelet
) -> None:
    files = SecretFiles(folder)
    single.put({"secrets/hooks/token": b"old"})
    whole.put({"shop": b"old", "gone": b"old"})
    assert (files.read_key("hooks", "token"), files.read("keys")) == (
        b"old",
        {"shop": b"old", "gone": b"old"},
    )
    single.put({"secrets/hooks/token": b"new"})
    whole.put({"shop": b"new"})
    assert files.read_key("hooks", "token") == b"new"
    assert files.read("keys") == {"shop": b"new"}


def test_what_is_not_there_is_missing_until_it_comes(folder: Path, single: Kubelet) -> None:
    files = SecretFiles(folder)
    assert (files.read("keys"), files.read_key("hooks", "token")) == (None, None)
    whole = Kubelet(folder / "whole-secrets" / "keys")
    whole.put({})
    assert files.read("keys") is None
    whole.put({"shop": b"one"})
    single.put({"secrets/hooks/token": b"one"})
    assert (files.read("keys"), files.read_key("hooks", "token")) == ({"shop": b"one"}, b"one")


def test_what_is_removed_is_missing_again(folder: Path, whole: Kubelet) -> None:
    files = SecretFiles(folder)
    whole.put({"shop": b"one"})
    assert files.read("keys")
    whole.put({})
    assert files.read("keys") is None


def test_files_are_read_once_for_each_state(
    folder: Path, whole: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    original = secret_files._read_files

    def count(place: Path) -> object:
        reads.append(place)
        return original(place)

    monkeypatch.setattr(secret_files, "_read_files", count)
    files = SecretFiles(folder)
    for _ in range(2):
        whole.put({"shop": b"one"})
        for _ in range(3):
            files.read("keys")
    assert len(reads) == 2


def test_values_that_are_exchanged_while_they_are_read_are_read_again(
    folder: Path, whole: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = secret_files._read_files
    changes = [{"shop": b"new", "till": b"new"}]

    def change_meanwhile(place: Path) -> object:
        found = original(place)
        if changes:
            whole.put(changes.pop())
        return found

    whole.put({"shop": b"old", "till": b"old"})
    monkeypatch.setattr(secret_files, "_read_files", change_meanwhile)
    files = SecretFiles(folder)
    assert files.read("keys") == {"shop": b"new", "till": b"new"}
    assert files.read("keys") == {"shop": b"new", "till": b"new"}


def test_a_plain_folder_is_read_at_every_look(folder: Path) -> None:
    (folder / "whole-secrets" / "keys").mkdir(parents=True)
    files = SecretFiles(folder)
    for content in (b"one", b"two"):
        (folder / "whole-secrets" / "keys" / "shop").write_bytes(content)
        assert files.read("keys") == {"shop": content}
