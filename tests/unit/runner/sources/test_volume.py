"""The volume of a pod, as the kubelet writes it: a new folder, then one link moved."""

import itertools
import os
from pathlib import Path

import pytest

from scriptorium_api.env import EnvVar
from scriptorium_runner.sources import volume
from scriptorium_runner.sources.volume import read_values

ENV = [
    EnvVar.model_validate({"name": name, "valueFrom": {"secretKeyRef": {"name": "payment", "key": key}}})
    for name, key in (("USER", "user"), ("PIN", ".pin"))
]


class Kubelet:
    """Writes states of the volume."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._states = 0

    def put(self, **files: str) -> None:
        self._states += 1
        state = self._folder / f"..state-{self._states}"
        (state / "secrets" / "payment").mkdir(parents=True)
        for name, text in files.items():
            (state / "secrets" / "payment" / name.replace("dot_", ".")).write_text(text)
        (self._folder / "..data_tmp").symlink_to(state.name)
        os.replace(self._folder / "..data_tmp", self._folder / "..data")


@pytest.fixture
def kubelet(tmp_path: Path) -> Kubelet:
    return Kubelet(tmp_path)


def test_the_values_are_those_of_the_files(tmp_path: Path, kubelet: Kubelet) -> None:
    kubelet.put(user="ada", dot_pin="one")
    assert read_values(tmp_path, ENV).env == {"USER": "ada", "PIN": "one"}


def test_a_changed_value_is_seen_at_the_next_look(tmp_path: Path, kubelet: Kubelet) -> None:
    kubelet.put(user="ada", dot_pin="one")
    read_values(tmp_path, ENV)
    kubelet.put(user="ada", dot_pin="two")
    assert read_values(tmp_path, ENV).env["PIN"] == "two"


def test_values_that_change_while_they_are_read_are_read_again(
    tmp_path: Path, kubelet: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubelet.put(user="ada", dot_pin="one")
    original = volume.pick_values
    changes = iter([{"user": "bob", "dot_pin": "two"}])

    def change_meanwhile(*arguments: object) -> object:
        values = original(*arguments)  # type: ignore[arg-type]
        for files in changes:
            kubelet.put(**files)
        return values

    monkeypatch.setattr(volume, "pick_values", change_meanwhile)
    assert read_values(tmp_path, ENV).env == {"USER": "bob", "PIN": "two"}


def test_a_key_that_is_not_there_is_missing(tmp_path: Path, kubelet: Kubelet) -> None:
    kubelet.put(user="ada")
    problem = read_values(tmp_path, ENV).problem
    assert problem.startswith('no value yet for env.PIN (Secret "payment", key ".pin"): create')


def test_a_pod_without_the_volume_has_no_values(tmp_path: Path) -> None:
    assert "env.USER" in read_values(tmp_path / "none", ENV).problem
    assert read_values(tmp_path / "none", []).problem == ""


def test_any_change_of_the_files_is_another_state(tmp_path: Path, kubelet: Kubelet) -> None:
    states = [volume.find_state(tmp_path)]
    kubelet.put(user="ada")
    states.append(volume.find_state(tmp_path))
    (tmp_path / "whole-secrets" / "keys").mkdir(parents=True)
    states.append(volume.find_state(tmp_path))
    (tmp_path / "whole-secrets" / "keys" / "..data").symlink_to("..state-1")
    states.append(volume.find_state(tmp_path))
    assert all(former != latter for former, latter in itertools.pairwise(states))
    assert volume.find_state(tmp_path) == states[-1]
