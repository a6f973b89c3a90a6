"""What the engine is made of is pinned to the byte, and is the version that the runner was written for."""

import tomllib
from pathlib import Path

from engine_build import recipe

ROOT = Path(__file__).parents[3]


def test_the_version_is_the_one_that_the_package_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"quickjs-ng=={recipe.VERSION}" in project["dependencies"]
    assert f"quickjs-ng=={recipe.VERSION}" in (ROOT / "constraints.txt").read_text().splitlines()


def test_pip_is_given_nothing_without_a_hash():
    for name in ("quickjs-ng", "setuptools"):
        line = recipe.render_requirement(name)
        assert line.startswith(f"{name}==")
        assert len(line.strip().rpartition("--hash=sha256:")[2]) == 64


def test_what_is_compiled_into_the_engine_is_all_there():
    assert all(source.is_file() for source in recipe.SOURCES)


def test_another_compiler_flag_source_or_mark_is_another_module(monkeypatch):
    keys = {recipe.compute_key("gcc 12", b"mark")}
    assert keys == {recipe.compute_key("gcc 12", b"mark")}
    keys |= {recipe.compute_key("gcc 14", b"mark"), recipe.compute_key("gcc 12", b"another")}
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "FLAGS", ("-O3",))
        keys.add(recipe.compute_key("gcc 12", b"mark"))
    monkeypatch.setattr(recipe, "HASHES", {f"quickjs-ng=={recipe.VERSION}": "0" * 64})
    keys.add(recipe.compute_key("gcc 12", b"mark"))
    assert len(keys) == 5
