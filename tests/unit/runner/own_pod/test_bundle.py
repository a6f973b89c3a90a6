"""The file that a run's pod takes its modules from."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

from scriptorium_runner.own_pod import bundle

#: Imports a module with the file in use, and says by what it was loaded and what is in it.
USE = """
import sys
from scriptorium_runner.own_pod import bundle

path, folder = sys.argv[1:]
sys.path.append(folder)
bundle.use(path)
import greeting, greeting.other
print(type(greeting.__loader__).__name__, greeting.TEXT, greeting.__file__)
print(type(greeting.other.__loader__).__name__)
"""

#: Makes the file of everything, and takes all from it that a slot's pod imports.
WHOLE = """
import json, sys
from scriptorium_runner.own_pod import bundle, make_bundle

bundle.FILE = sys.argv[1]
make_bundle.main()
"""
SLOT = """
import sys
from importlib.machinery import SourceFileLoader
from scriptorium_runner.own_pod import bundle

before = {*sys.modules}
bundle.use(sys.argv[1])
from scriptorium_runner.own_pod import make_bundle
make_bundle.import_all()
later = {name: getattr(sys.modules[name], "__loader__", None) for name in {*sys.modules} - before}
print([name for name, loader in later.items() if type(loader) is SourceFileLoader], len(later) > 200)
"""


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def make_package(folder: Path) -> Path:
    """Write a package that greets."""
    package = folder / "greeting"
    package.mkdir()
    (package / "__init__.py").write_text("TEXT = 'hello'\n")
    (package / "other.py").write_text("def fail():\n    raise ValueError('on purpose')\n")
    return package


def read_module(origin: str) -> tuple[str, bool, CodeType]:
    code = compile(Path(origin).read_text(), origin, "exec")
    return origin, origin.endswith("__init__.py"), code


def write_bundle(path: Path, package: Path) -> None:
    """Write a file with the package's first module, and with that which says where we are."""
    own = bundle.__file__
    path.write_bytes(
        bundle.render(
            {
                "greeting": read_module(str(package / "__init__.py")),
                bundle.__name__: read_module(own),
            }
        )
    )


def use(path: Path, folder: Path) -> list[str]:
    ran = run_python(USE, str(path), str(folder))
    assert ran.stderr == ""
    return ran.stdout.splitlines()


def test_what_is_in_the_file_comes_from_it_and_the_rest_from_where_it_is(tmp_path: Path) -> None:
    package, path = make_package(tmp_path), tmp_path / "bundle"
    write_bundle(path, package)
    assert use(path, tmp_path) == [f"_Loader hello {package / '__init__.py'}", "SourceFileLoader"]


@pytest.mark.parametrize(("text", "later"), [("good day", 0), ("howdy", 10)], ids=["size", "time"])
def test_a_module_that_was_changed_comes_from_where_it_is(tmp_path: Path, text: str, later: int) -> None:
    package, path = make_package(tmp_path), tmp_path / "bundle"
    write_bundle(path, package)
    source = package / "__init__.py"
    written = source.stat().st_mtime + later
    source.write_text(f"TEXT = '{text}'\n")
    os.utime(source, (written, written))
    assert use(path, tmp_path)[0].startswith(f"SourceFileLoader {text} ")


def test_a_file_of_another_python_is_left_alone(tmp_path: Path) -> None:
    package, path = make_package(tmp_path), tmp_path / "bundle"
    write_bundle(path, package)
    magic = importlib.util.MAGIC_NUMBER
    path.write_bytes(bytes([magic[0] ^ 1]) + path.read_bytes()[1:])
    assert use(path, tmp_path)[0].startswith("SourceFileLoader hello ")


def test_a_file_of_another_installation_is_left_alone(tmp_path: Path) -> None:
    package, path = make_package(tmp_path), tmp_path / "bundle"
    elsewhere = tmp_path / "bundle.py"
    elsewhere.write_bytes(Path(bundle.__file__).read_bytes())
    modules = {"greeting": str(package / "__init__.py"), bundle.__name__: str(elsewhere)}
    path.write_bytes(bundle.render({name: read_module(origin) for name, origin in modules.items()}))
    assert use(path, tmp_path)[0].startswith("SourceFileLoader hello ")


def test_without_the_file_everything_comes_from_where_it_is(tmp_path: Path) -> None:
    make_package(tmp_path)
    assert use(tmp_path / "none", tmp_path)[0].startswith("SourceFileLoader hello ")


@pytest.mark.parametrize("size", [0, 4, 20, -1])
def test_a_file_that_is_cut_is_left_alone(tmp_path: Path, size: int) -> None:
    package, path = make_package(tmp_path), tmp_path / "bundle"
    write_bundle(path, package)
    path.write_bytes(path.read_bytes()[:size])
    assert use(path, tmp_path)[0].startswith("SourceFileLoader hello ")


def test_an_error_shows_the_line_that_failed(tmp_path: Path) -> None:
    package, path = make_package(tmp_path), tmp_path / "bundle"
    modules = {"greeting.other": str(package / "other.py"), bundle.__name__: bundle.__file__}
    path.write_bytes(bundle.render({name: read_module(origin) for name, origin in modules.items()}))
    ran = run_python(USE + "greeting.other.fail()\n", str(path), str(tmp_path))
    assert f'{package / "other.py"}", line 2, in fail\n    raise ValueError(' in ran.stderr


def test_all_that_a_slot_s_pod_imports_comes_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    made = run_python(WHOLE, str(path))
    assert (made.returncode, made.stderr) == (0, "")
    ran = run_python(SLOT, str(path))
    assert (ran.stdout, ran.stderr) == ("[] True\n", "")
