"""Which files a session sees, and what it keeps of them."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scriptorium_runner.dev import shelf
from scriptorium_runner.dev.shelf import Shelf
from scriptorium_runner.sources import manifests
from scriptorium_runner.sources.manifests import Loaded
from tests.unit.runner.dev.manifests import run, script


def load(*paths: Path) -> Loaded:
    files = Shelf(list(paths))
    return files.load(files.look())


def names(loaded: Loaded) -> list[str]:
    return [found.object.metadata.name for found in loaded.objects]


def test_folders_are_read_to_the_bottom_and_other_groups_left_alone(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").mkdir()
    (tmp_path / "deep.yaml" / "script.yml").write_text(script("return 1"))
    (tmp_path / "other.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n")
    (tmp_path / "notes.txt").write_text("not a manifest")
    loaded = load(tmp_path)
    assert names(loaded) == ["work"]
    assert loaded.problems == []


@pytest.mark.parametrize("place", [".git/a.yaml", "node_modules/a/package.json", ".#a.yaml"])
def test_what_tools_keep_for_themselves_is_not_read(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("{}")
    assert load(tmp_path) == Loaded()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert load(tmp_path) == Loaded()


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(script("return 1"))
    loaded = load(file, tmp_path, tmp_path / "." / "a.yaml")
    assert names(loaded) == ["work"]
    assert loaded.problems == []


def test_a_link_to_nothing_and_a_path_to_nothing_are_problems(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "absent")
    texts = [str(problem) for problem in load(tmp_path, tmp_path / "gone").problems]
    assert texts == [
        f"{tmp_path}/a.yaml:1: cannot be read: it is a link to nothing; mend or remove it",
        f"{tmp_path}/gone:1: no such file or folder",
    ]


@contextmanager
def without_rights() -> Iterator[None]:
    """Be a user whom the files' permissions bind, as root is not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_files_and_folders_that_may_not_be_read_are_problems() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "a.yaml").write_text(script("return 1"))
        (folder / "b").mkdir()
        (folder / "a.yaml").chmod(0)
        (folder / "b").chmod(0)
        with without_rights():
            problems = load(folder).problems
        (folder / "b").chmod(stat.S_IRWXU)
    assert [problem.path.name for problem in problems] == ["a.yaml", "b"]
    assert {problem.text for problem in problems} == {"cannot be read: Permission denied; mend or remove it"}


def test_a_file_that_goes_between_the_look_and_the_reading_is_simply_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("return 1"))
    files = Shelf([tmp_path])
    listing = files.look()
    (tmp_path / "a.yaml").unlink()
    assert files.load(listing) == Loaded()


def test_two_objects_of_one_name_are_refused_with_the_place_of_the_first(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("# of two\n" + script("return 1"))
    loaded = load(tmp_path)
    assert names(loaded) == ["work"]
    (problem,) = loaded.problems
    assert str(problem).startswith(
        f'{tmp_path}/b.yaml:2: Script "work" is defined already, at {tmp_path}/a.yaml:2; rename'
    )


def test_one_name_in_two_namespaces_and_of_two_kinds_is_no_twin(tmp_path: Path) -> None:
    texts = [script("return 1", "a"), script("return 1", "a", "other"), run("a", "a")]
    (tmp_path / "a.yaml").write_text("---\n".join(texts))
    assert load(tmp_path).problems == []


def test_a_broken_file_keeps_what_it_held_until_it_is_mended(tmp_path: Path) -> None:
    file, files = tmp_path / "a.yaml", Shelf([tmp_path])
    file.write_text(script("return 1"))
    assert names(files.load(files.look())) == ["work"]
    file.write_text("kind: [")
    broken = files.load(files.look())
    assert names(broken) == ["work"]
    assert len(broken.problems) == 1
    file.write_text(script("return 1", "mended"))
    assert names(files.load(files.look())) == ["mended"]


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.yaml").write_text(run(f"run-{number}"))
    files, read = Shelf([tmp_path]), list[Path]()
    original = manifests.load
    monkeypatch.setattr(manifests, "load", lambda paths: read.extend(paths) or original(paths))
    assert names(files.load(files.look())) == [f"run-{number}" for number in range(300)]
    assert len(read) == 300
    (tmp_path / "007.yaml").write_text(run("changed-7"))
    files.load(files.look())
    assert read[300:] == [tmp_path / "007.yaml"]


def test_a_change_is_told_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(script("return 1"))
    (tmp_path / "b.yaml").write_text(run())
    former = shelf.list_files([tmp_path])
    (tmp_path / "a.yaml").write_text(script("return 22"))
    (tmp_path / "b.yaml").unlink()
    for name in ("c", "d", "e"):
        (tmp_path / f"{name}.yaml").write_text("")
    told = shelf.describe_changes(former, shelf.list_files([tmp_path]))
    assert told == f"added {tmp_path}/c.yaml and 2 more, changed {tmp_path}/a.yaml, removed {tmp_path}/b.yaml"
