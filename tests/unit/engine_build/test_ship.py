"""A rebuilt engine takes the wheel's place only if it is of this recipe and passes the gate."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine_build import gate, recipe, ship
from engine_build.errors import EngineBuildError
from scriptorium_runner.engine.inside import native
from scriptorium_runner.engine.inside.build import WHEEL, read_build

MARK = f"{recipe.MARK_BEGINS}{' '.join(recipe.FLAGS)}, gcc 12.2.0"
PYTHON = Path(sys.executable)


def make_wheel(folder: Path, mark: str) -> Path:
    """Make a wheel with a module that says of itself what it is told to."""
    path = folder / f"quickjs_ng-{recipe.VERSION}-cp310-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_quickjs.abi3.so", b"\x7fELF\0" + mark.encode() + b"\0more")
    return path


@pytest.fixture(name="commands")
def record_commands(monkeypatch):
    """What was run; a Python that has the wheel's engine is asked for it."""
    commands = []

    def run(command):
        commands.append(command)
        return f"{STOCK}\n"

    monkeypatch.setattr(ship.commands, "run", run)
    return commands


STOCK = Path(__file__)  # A file without a mark, as the wheel's module is.


def test_what_passes_the_gate_is_installed_without_asking_anybody_else(monkeypatch, tmp_path, commands):
    monkeypatch.setattr(gate, "measure_ratio", lambda stock, built: 2.5)
    wheel = make_wheel(tmp_path, MARK)
    monkeypatch.setattr(ship, "read_mark", lambda module: "" if module == STOCK else MARK)
    ship.ship(wheel, PYTHON)
    (install,) = [command for command in commands if "pip" in command]
    assert {"--no-index", "--no-deps", "--force-reinstall", str(wheel)} <= set(install)


def test_what_does_not_is_not(monkeypatch, tmp_path, commands):
    monkeypatch.setattr(gate, "measure_ratio", lambda stock, built: 1.2)
    monkeypatch.setattr(ship, "read_mark", lambda module: "" if module == STOCK else MARK)
    with pytest.raises(EngineBuildError, match=r"1\.20 times as fast"):
        ship.ship(make_wheel(tmp_path, MARK), PYTHON)
    assert not any("pip" in command for command in commands)


@pytest.mark.parametrize("mark", ["", "rebuilt: -O3, gcc 12.2.0"])
def test_a_module_of_another_recipe_is_refused_before_it_is_loaded(monkeypatch, tmp_path, mark):
    module = tmp_path / "_quickjs.abi3.so"
    module.write_bytes(b"\x7fELF\0" + mark.encode() + b"\0more")
    with pytest.raises(EngineBuildError, match="is not what this recipe makes"):
        ship.check_recipe(module)


def test_the_mark_ends_where_it_ends(tmp_path):
    module = tmp_path / "_quickjs.abi3.so"
    module.write_bytes(b"\x7fELF\0" + MARK.encode() + b"\0more")
    assert ship.read_mark(module) == MARK


def test_a_loaded_module_and_its_file_say_the_same_of_its_build():
    assert read_build() == (ship.read_mark(Path(native.LIBRARY)) or WHEEL)


def test_a_compiled_mark_is_read_from_the_loaded_module(tmp_path):
    compiler = os.environ.get("CC", "gcc")
    source, library = tmp_path / "module.c", tmp_path / "module.so"
    source.write_text("int nothing;\n")
    flags = '-DSCRIPTORIUM_FLAGS="-O2"'
    command = [compiler, "-shared", "-fPIC", flags, "-include", str(recipe.MARK), "-o", str(library)]
    subprocess.run([*command, str(source)], check=True)
    assert read_build(str(library)).startswith("rebuilt: -O2, ")
    assert ship.read_mark(library) == read_build(str(library))
