"""What a cluster would leave behind if it left anything."""

import json
from pathlib import Path

from tests.cluster import cgroups, mounts, network, processes, progress
from tests.cluster import layout as place
from tests.cluster.layout import Layout


def find(layout: Layout) -> list[str]:
    """Describe everything on the machine that is still the cluster's."""
    found = [f"mount {path}" for path in mounts.find_below([layout.state, layout.run])]
    found += [f"folder {path}" for path in (layout.state, layout.run) if path.exists()]
    found += [f"control group {path}" for path in cgroups.find_groups()]
    found += [f"link {place.HOST_LINK}"] if network.has_link() else []
    found += [f"route {route}" for route in find_routes()]
    return found + [f"process {line}" for line in find_processes(layout)]


def find_routes() -> list[str]:
    """Return the host's routes into the cluster."""
    routes = json.loads(progress.run(["ip", "-json", "route", "show"]))
    ours = {place.POD_RANGE, place.SERVICE_RANGE}
    return [route["dst"] for route in routes if route["dst"] in ours or route.get("dev") == place.HOST_LINK]


def find_processes(layout: Layout) -> list[str]:
    """Return the processes whose command line names one of the cluster's folders."""
    found = []
    for pid in processes.list_pids():
        command = read_command(pid)
        if any(str(folder) in command for folder in (layout.state, layout.run)):
            found.append(f"{pid} {command[:120]}")
    return found


def read_command(pid: int) -> str:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""
