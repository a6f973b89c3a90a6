"""The image's JavaScript engine: compiled once into the cache, and from there given to the image's build."""

import os
import shutil
from pathlib import Path

from engine_build import build, recipe
from engine_build.errors import EngineBuildError
from tests.cluster import layout, packages, progress
from tests.cluster.errors import ClusterError

#: Where the Dockerfile looks for what need not be compiled again.
GIVEN = layout.CHECKOUT / "engine_build" / "dist"
_WAY_OUT = "without a compiler, `ENGINE=wheel make image` ships the engine as delivered, 2 to 3 times as slow"


def ensure() -> Path:
    """Have the engine's wheel where the image's build finds it; without a compiler that is an error."""
    try:
        wheel = find(ensure_compiler())
        return give(wheel, GIVEN)
    except (EngineBuildError, ClusterError) as error:
        raise ClusterError(f"{error}\n{_WAY_OUT}") from error


def ensure_compiler() -> str:
    """Say which compiler there is; installs Debian's where there is none."""
    try:
        return build.describe_compiler()
    except EngineBuildError as error:
        progress.say(f"{error}.")
        packages.ensure(packages.ENGINE)
        return build.describe_compiler()


def find(compiler: str) -> Path:
    """Return the wheel that this compiler makes, made now unless the cache has it."""
    sources = b"".join(source.read_bytes() for source in recipe.SOURCES)
    folder = layout.cache_folder() / "engine" / recipe.compute_key(compiler, sources)
    with progress.locked(folder.with_suffix(".lock"), "compiling the JavaScript engine"):
        kept = sorted(folder.glob("*.whl"))
        return kept[0] if kept else build.build(folder)


def give(wheel: Path, folder: Path) -> Path:
    """Have this wheel and no other in a folder; one that is there stays untouched, and so do image layers."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / wheel.name
    for other in folder.glob("*.whl"):
        if other != target or other.read_bytes() != wheel.read_bytes():
            other.unlink()
    if not target.exists():
        part = folder / f".{wheel.name}.part"
        shutil.copyfile(wheel, part)
        os.replace(part, target)
    return target
