"""The engine of images is compiled once for each compiler, and given to the build as it was before."""

from pathlib import Path

import pytest

from engine_build import build
from engine_build.errors import EngineBuildError
from tests.cluster import engine, packages
from tests.cluster.errors import ClusterError, Missing


@pytest.fixture(name="built")
def count_builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """The wheels that were compiled, in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "GIVEN", tmp_path / "dist")
    built: list[Path] = []

    def make(folder: Path) -> Path:
        folder.mkdir(parents=True)
        wheel = folder / "quickjs_ng-1-cp310-abi3-linux_x86_64.whl"
        wheel.write_text(f"build {len(built)}")
        built.append(wheel)
        return wheel

    monkeypatch.setattr(build, "build", make)
    return built


def test_it_is_compiled_once_and_found_in_the_cache_afterwards(built: list[Path], tmp_path: Path) -> None:
    assert engine.find("gcc 12") == engine.find("gcc 12") == built[0]
    assert len(built) == 1
    assert built[0].is_relative_to(tmp_path / "cache" / "scriptorium" / "engine")


def test_another_compiler_compiles_its_own(built: list[Path]) -> None:
    assert engine.find("gcc 12") != engine.find("clang 16")
    assert len(built) == 2


def test_what_is_given_already_stays_as_it_is(built: list[Path], tmp_path: Path) -> None:
    given = engine.give(engine.find("gcc 12"), tmp_path / "dist")
    before = given.stat()
    assert engine.give(engine.find("gcc 12"), tmp_path / "dist") == given
    assert (given.stat().st_mtime_ns, given.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_an_older_one_makes_way(built: list[Path], tmp_path: Path) -> None:
    for compiler in ("gcc 12", "clang 16"):
        given = engine.give(engine.find(compiler), tmp_path / "dist")
    assert given.read_text() == "build 1"
    assert list((tmp_path / "dist").iterdir()) == [given]


def test_debians_compiler_is_installed_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []

    def describe() -> str:
        if not installed:
            raise EngineBuildError("there is no gcc")
        return "gcc 12"

    monkeypatch.setattr(build, "describe_compiler", describe)
    monkeypatch.setattr(packages, "ensure", installed.extend)
    assert engine.ensure_compiler() == "gcc 12"
    assert installed == packages.ENGINE


def test_without_a_compiler_there_is_no_image_but_a_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch, built: list[Path]
) -> None:
    def describe() -> str:
        raise EngineBuildError("there is no gcc")

    def refuse(wanted: list[str]) -> None:
        raise Missing("these Debian packages are missing: gcc")

    monkeypatch.setattr(build, "describe_compiler", describe)
    monkeypatch.setattr(packages, "ensure", refuse)
    with pytest.raises(ClusterError, match=r"packages are missing: gcc\n.*ENGINE=wheel make image"):
        engine.ensure()
    assert built == []
