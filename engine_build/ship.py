"""`python -m engine_build.ship WHEEL --python PYTHON`: puts the rebuilt engine in place of the wheel's."""

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from engine_build import commands, gate, recipe
from engine_build.errors import EngineBuildError

_FIND_STOCK = "import _quickjs; print(_quickjs.__file__)"


def ship(wheel: Path, python: Path) -> None:
    """Install a rebuilt engine for this Python, if it passes the gate against the wheel's that is there."""
    stock = find_stock(python)
    if read_mark(stock):
        check_recipe(stock)
        print(f"{python} has the rebuilt engine already.", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="engine-") as name:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(name)
        check_recipe(find_module(Path(name)))
        gate.check(stock.parent, Path(name))
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    commands.run([*pip, "--no-deps", "--force-reinstall", str(wheel)])
    print(f"Shipped {read_mark(find_stock(python))}.", flush=True)


def find_stock(python: Path) -> Path:
    """Give the engine's module that a Python has."""
    return Path(commands.run([str(python), "-I", "-c", _FIND_STOCK]).strip())


def find_module(folder: Path) -> Path:
    """Give the engine's module in a wheel that was unpacked here."""
    found = sorted(folder.glob("_quickjs*.so"))
    if len(found) != 1:
        raise EngineBuildError(f"{len(found)} modules in the wheel, where one was expected")
    return found[0]


def check_recipe(module: Path) -> None:
    """Raise if a module was made by another recipe than this one, such as an older checkout's."""
    expected = f"{recipe.MARK_BEGINS}{' '.join(recipe.FLAGS)}, "
    if not read_mark(module).startswith(expected):
        raise EngineBuildError(f"{module.name} is not what this recipe makes ({expected}...): make it anew")


def read_mark(module: Path) -> str:
    """Read what was compiled into a module about its build, without loading it; empty for the wheel's."""
    _, begin, rest = module.read_bytes().partition(recipe.MARK_BEGINS.encode())
    return (begin + rest.partition(b"\0")[0]).decode(errors="replace") if begin else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Ship the wheel of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, metavar="WHEEL")
    parser.add_argument("--python", type=Path, required=True, help="whose engine is replaced")
    options = parser.parse_args(arguments)
    return commands.end(lambda: ship(options.wheel, options.python))


if __name__ == "__main__":
    sys.exit(main())
