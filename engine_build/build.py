"""`python -m engine_build.build --into FOLDER`: compiles the engine and leaves its wheel there."""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from engine_build import commands, recipe
from engine_build.errors import EngineBuildError

#: What it takes, as Debian calls it; Python's own headers come with every Python but Debian's.
PACKAGES = "gcc libc6-dev, and python3-dev for Debian's Python"


def build(target: Path) -> Path:
    """Compile the engine out of the pinned source; the wheel appears only when it is whole."""
    compiler = describe_compiler()
    print(f"Compiling quickjs-ng {recipe.VERSION} with {compiler}: about a minute on two cores.", flush=True)
    started = time.monotonic()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="engine-build-") as name:
        wheel = _compile(Path(name))
        part = target / f".{wheel.name}.part"
        shutil.copyfile(wheel, part)
        os.replace(part, target / wheel.name)
    print(f"Compiled {wheel.name} in {time.monotonic() - started:.0f} s.", flush=True)
    return target / wheel.name


def describe_compiler() -> str:
    """Say which compiler would be used, and for which machine; raises where there is none, or no headers."""
    command = find_compiler()
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        raise EngineBuildError(f"{include}/Python.h is not there; in Debian: {PACKAGES}")
    answer = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise EngineBuildError(f"{shlex.join(command)} does not work: {answer.stderr.strip()}")
    return f"{answer.stdout.splitlines()[0]} for {platform.machine()}"


def find_compiler() -> list[str]:
    """Give the words that start the compiler: $CC where it is set."""
    command = shlex.split(os.environ.get("CC") or "gcc")
    if shutil.which(command[0]) is None:
        raise EngineBuildError(
            f"there is no {command[0]} to compile the JavaScript engine with; in Debian: {PACKAGES}"
        )
    return command


def _compile(folder: Path) -> Path:
    """Make the wheel below this folder."""
    python = folder / "venv" / "bin" / "python"
    commands.run([sys.executable, "-m", "venv", str(python.parents[1])])
    for name in ("setuptools", "quickjs-ng"):
        (folder / f"{name}.txt").write_text(recipe.render_requirement(name))
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]
    pinned = ["--no-deps", "--require-hashes", "--requirement"]
    commands.run([*pip, "install", *pinned, str(folder / "setuptools.txt")])
    # In an isolated build pip would fetch a setuptools that nobody pinned.
    source = ["--no-binary", "quickjs-ng", "--no-build-isolation", *pinned, str(folder / "quickjs-ng.txt")]
    cc = shlex.join(find_compiler())
    extra = {
        "CC": cc,
        "LDSHARED": f"{cc} -shared {shlex.join(str(_compile_one(each, folder)) for each in recipe.LINKED)}",
        "CFLAGS": recipe.render_compiler_flags(),
        # The build is asked for by its own venv: what this process is run with is not its business.
        "PYTHONPATH": "",
    }
    commands.run([*pip, "wheel", "--wheel-dir", str(folder / "wheels"), *source], extra)
    return next((folder / "wheels").glob("*.whl"))


def _compile_one(source: Path, folder: Path) -> Path:
    """Compile what is linked into the module; gives the object."""
    target = folder / f"{source.stem}.o"
    strict = ("-Wall", "-Wextra", "-Werror", "-fPIC")
    commands.run([*find_compiler(), *recipe.FLAGS, *strict, "-c", str(source), "-o", str(target)])
    return target


def main() -> int:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    target = parser.parse_args().into
    return commands.end(lambda: build(target))


if __name__ == "__main__":
    sys.exit(main())
