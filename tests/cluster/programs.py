"""Go programs, such as those of the cluster: built once into the cache, found there afterwards."""

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import layout, progress
from tests.cluster.errors import CommandFailed, Missing

SOURCES = Path(__file__).resolve().parent / "binaries"
VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Program:
    """A program, the Go package it is made of, and how long its first build takes on two cores."""

    name: str
    package: str
    minutes: int
    modules: Path = SOURCES
    """The folder that has a folder with its module, by its name."""

    @property
    def source(self) -> Path:
        """The folder with the module that pins the program."""
        return self.modules / self.name

    @property
    def flags(self) -> list[str]:
        """The flags that make the program small and the same on every machine."""
        go_mod = (self.source / "go.mod").read_text()
        return ["-trimpath", "-ldflags", " ".join(["-s", "-w", *render_version_flags(go_mod)])]


#: In the order of need: nothing starts without the first one and Traefik can come last.
PROGRAMS = {
    program.name: program
    for program in (
        Program("kubernetes", ".", 10),
        Program("helm", "helm.sh/helm/v3/cmd/helm", 4),
        Program("coredns", ".", 2),
        Program("traefik", "github.com/traefik/traefik/v3/cmd/traefik", 13),
    )
}


def ensure(names: list[str]) -> dict[str, Path]:
    """Return the path of each program, built now unless the cache has it."""
    unknown = sorted(set(names) - set(PROGRAMS))
    if unknown:
        raise Missing(f"no such program: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    return {name: ensure_program(PROGRAMS[name]) for name in PROGRAMS if name in names}


def ensure_program(program: Program) -> Path:
    """Return the path of one program; of two processes that want it only one builds."""
    version = find_go_version(program.source)
    path = cached_path(program, version)
    if path.exists():
        return path
    with progress.locked(folder() / f"{program.name}.lock", f"building {program.name}"):
        if not path.exists():
            build(program, path)
    return path


def folder() -> Path:
    """The cache folder that holds the built programs."""
    return layout.cache_folder() / "binaries"


def cached_path(program: Program, go_version: str) -> Path:
    """Where a program built of exactly these sources by this Go is kept."""
    files = {
        path.name: path.read_bytes()
        for path in sorted(program.source.iterdir())
        if path.suffix == ".go" or path.name in ("go.mod", "go.sum")
    }
    return folder() / f"{program.name}-{compute_key(files, [go_version, *program.flags])}"


def compute_key(files: dict[str, bytes], settings: list[str]) -> str:
    """Name the content that decides how a program comes out."""
    digest = hashlib.sha256("\0".join(settings).encode())
    for name, content in sorted(files.items()):
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def build(program: Program, path: Path) -> None:
    """Build one program; it appears in the cache only when it is whole."""
    progress.say(f"Building {program.name}: once, about {program.minutes} min on two cores.")
    started = time.monotonic()
    part = path.with_name(f".{path.name}.part")
    command = render_command(program, part)
    # -v makes Go print each package that it compiles, which is all the progress there is to see.
    progress.run_long(program.name, command, program.source, {"CGO_ENABLED": "0"})
    os.replace(part, path)
    progress.say(f"Built {program.name} in {progress.describe_duration(time.monotonic() - started)}.")


def render_command(program: Program, target: Path) -> list[str]:
    """Return the command line that builds a program, polite to whoever else uses the machine."""
    return ["nice", "-n", "10", "go", "build", "-v", *program.flags, "-o", str(target), program.package]


def render_version_flags(go_mod: str) -> list[str]:
    """Return what tells Kubernetes its version, which charts ask for; its own build does the same."""
    match = re.search(r"\sk8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)$", go_mod, re.MULTILINE)
    if match is None:
        return []
    version, major, minor = match.groups()
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return [word for name, value in values.items() for word in ("-X", f"{VERSION}.{name}={value}")]


def find_go_version(source: Path) -> str:
    """Return the version of Go that would build this module, or say what is missing."""
    needed = parse_needed_version((source / "go.mod").read_text())
    if shutil.which("go") is None:
        raise Missing(f"Go {needed} or newer is needed and not on PATH; get it from https://go.dev/dl")
    try:
        # Asked in the module's folder, Go answers for the toolchain it would switch to.
        version = progress.run(["go", "env", "GOVERSION"], folder=source).strip()
    except CommandFailed as e:
        raise Missing(_too_old("the one on PATH", needed)) from e
    if parse_version(version) < parse_version(needed):
        raise Missing(_too_old(version, needed))
    return version


def _too_old(found: str, needed: str) -> str:
    return (
        f"Go {needed} or newer is needed, {found} is too old. Debian's package golang is too old as well; "
        "get a newer one from https://go.dev/dl and put it first on PATH"
    )


def parse_needed_version(go_mod: str) -> str:
    """Read the lowest version of Go that a go.mod accepts."""
    match = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    return match.group(1) if match else "1.0"


def parse_version(text: str) -> tuple[int, ...]:
    """Read go1.26.8 or 1.26 as numbers that compare."""
    return tuple(int(number) for number in re.findall(r"\d+", text.split(" ", maxsplit=1)[0])[:3])
