"""The other servers' programs: what is had here, and how each is started."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.endpoints.cases import Case
from bench.endpoints.servers import LeftOut, Program, find_free_port

AIOHTTP, NODE, VM = "bare aiohttp", "node:http", "node, fresh vm context"
WORKERD, DENO = "workerd", "deno serve"
#: Where `make bench-endpoints` puts what npm has.
TOOLS = Path(".build/peers/node_modules")
_WORKERD, _DENO = "@cloudflare/workerd-*/bin/workerd", "@deno/*/deno"
_SOURCES = Path(__file__).with_name("peers")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the programs are, beside the scripts that they serve."""

    folder: Path
    upstream: str


def prepare(folder: Path, cases: list[Case], upstream: str) -> Place:
    """Put the programs and the scripts into a folder."""
    for source in _SOURCES.iterdir():
        if source.suffix in {".mjs", ".capnp"}:
            shutil.copy(source, folder)
    (folder / "scripts.mjs").write_text(render_scripts(cases))
    return Place(folder, upstream)


def render_scripts(cases: list[Case]) -> str:
    """Give the module with each script by its path, as text and as a function. Pure."""
    sources = {case.path: case.source for case in cases}
    functions = [f"  {json.dumps(case.path)}: async (http) => {{\n{case.source}\n  }}," for case in cases]
    return "\n".join(
        [f"export const sources = {json.dumps(sources)};", "export const functions = {", *functions, "};", ""]
    )


def build_aiohttp(place: Place) -> Program:
    """Give the floor, which has no engine to compute with."""
    port = find_free_port()
    command = (sys.executable, "-m", "bench.endpoints.peers.bare_aiohttp", str(port), place.upstream)
    return Program(AIOHTTP, command, port, cases=("hello", "wait"))


def build_node(place: Place) -> Program:
    """Give node with the scripts as functions."""
    return _build_node(NODE, place.folder / "node_http.mjs")


def build_vm(place: Place) -> Program:
    """Give node with a context for each request."""
    return _build_node(VM, place.folder / "node_vm.mjs")


def build_workerd(place: Place) -> Program:
    """Give workerd with one worker."""
    port = find_free_port()
    config = str(place.folder / "workerd.capnp")
    command = (find_tool(_WORKERD), "serve", config)
    return Program(WORKERD, (*command, f"--socket-addr=http=127.0.0.1:{port}"), port)


def build_deno(place: Place) -> Program:
    """Give Deno with one isolate."""
    port = find_free_port()
    command = (find_tool(_DENO), "serve", "--no-config", "--allow-net")
    return Program(
        DENO,
        (*command, "--host=127.0.0.1", f"--port={port}", str(place.folder / "worker.mjs")),
        port,
        {"DENO_DIR": str(place.folder / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )


PEERS: dict[str, Callable[[Place], Program]] = {
    AIOHTTP: build_aiohttp,
    VM: build_vm,
    NODE: build_node,
    WORKERD: build_workerd,
    DENO: build_deno,
}


def find_versions() -> list[tuple[str, tuple[str, ...]]]:
    """Give the commands that print the versions of those that are here."""
    found: list[tuple[str, tuple[str, ...]]] = []
    if node := shutil.which("node"):
        found.append(("node", (node, "--version")))
    for name, pattern in ((WORKERD, _WORKERD), (DENO, _DENO)):
        with contextlib.suppress(LeftOut):
            found.append((name, (find_tool(pattern), "--version")))
    return found


def find_tool(pattern: str) -> str:
    """Give a program that npm brought, without the script around it, which would be one process more."""
    found = sorted(TOOLS.glob(pattern))
    if not found:
        raise LeftOut(f"npm did not bring it: there is no {TOOLS / pattern}")
    return str(found[0])


def _build_node(name: str, source: Path) -> Program:
    node = shutil.which("node")
    if node is None:
        raise LeftOut("there is no node on this machine")
    port = find_free_port()
    return Program(name, (node, str(source), str(port)), port)
