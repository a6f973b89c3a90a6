"""Our own server: `scriptorium dev` with a folder of manifests, as a person would start it."""

import sys
from pathlib import Path

import yaml

from bench.endpoints import cases
from bench.endpoints.servers import Program, find_free_port

NAME = "scriptorium dev"


def build_dev(folder: Path, served: list[cases.Case], workers: int) -> Program:
    """Write the manifests, and give the command that serves them."""
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "endpoints.yaml").write_text(
        yaml.safe_dump_all(cases.build_manifests(served), sort_keys=False)
    )
    port = find_free_port()
    command = (sys.executable, "-m", "scriptorium_runner", "dev", str(manifests), "--port", str(port))
    options = ("--workers", str(workers), "--state", str(folder / "state"))
    return Program(
        NAME, (*command, *options), port, _open_upstream(served), tuple(each.name for each in served)
    )


def _open_upstream(served: list[cases.Case]) -> dict[str, str]:
    networks = {cases.find_network(f"http://{case.reaches}") for case in served if case.reaches}
    return {"SCRIPTORIUM_HTTP_PRIVATE_CIDRS": ",".join(sorted(networks))} if networks else {}
