"""Without a compiler nothing is built, and it is said what is missing."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from engine_build import build, recipe
from engine_build.errors import EngineBuildError

ROOT = Path(__file__).parents[3]


def test_a_machine_without_a_compiler_is_told_what_to_install(monkeypatch, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "engine_build.build", "--into", str(tmp_path)],
        env={"PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no gcc to compile the JavaScript engine with; in Debian: gcc libc6-dev" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_of_ones_own_is_taken(monkeypatch):
    monkeypatch.setenv("CC", f"{sys.executable} -c pass")
    assert build.find_compiler() == [sys.executable, "-c", "pass"]


def test_a_python_without_its_headers_is_told_too(monkeypatch, tmp_path):
    monkeypatch.setenv("CC", sys.executable)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(EngineBuildError, match=r"Python\.h is not there; in Debian: .* python3-dev"):
        build.describe_compiler()


def test_a_source_of_other_bytes_is_not_compiled(monkeypatch, tmp_path):
    # The first thing that is fetched; the engine's source goes the same way.
    pinned = dict.fromkeys(recipe.HASHES, "0" * 64)
    monkeypatch.setattr(recipe, "HASHES", pinned)
    monkeypatch.setattr(build, "describe_compiler", lambda: "none that is used")
    with pytest.raises(EngineBuildError, match="DO NOT MATCH THE HASHES"):
        build.build(tmp_path / "wheels")
    assert list((tmp_path / "wheels").iterdir()) == []
