"""The mount namespace of the node: what it mounts, nobody else sees, and it all ends with it.

In it the folders that kubelet, CNI and containerd insist on are ours, and the kernel settings
that kubelet wants to change look as if they were changed already. So the host keeps its own.
"""

import json
from pathlib import Path

from tests.cluster import network, processes, progress
from tests.cluster.layout import Layout

#: Folders whose place cannot be chosen, or which a normal node has just there.
HIDDEN = [
    Path("/var/lib/kubelet"),
    Path("/var/lib/cni"),
    Path("/var/log/pods"),
    Path("/var/log/containers"),
    Path("/run/containerd"),
]

#: What kubelet writes to the kernel unless it already reads so.
KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def up(layout: Layout) -> None:
    """Start the process that holds the namespace and wait until it is furnished."""
    make_folders(layout)
    ready = layout.run / "mounts-ready"
    script = layout.configs / "mounts.sh"
    script.write_text(render_script(layout, ready))
    command = ["unshare", "--mount", "--propagation", "slave", "sh", str(script)]
    record = processes.start(layout, "mounts", [*network.enter(layout.network_namespace), *command])
    progress.wait_until(
        "the node's mounts", lambda: ready.exists() or not processes.is_alive(record), seconds=10
    )


def make_folders(layout: Layout) -> None:
    """Make what is mounted and where, remembering what the host did not have before."""
    made = [str(path) for path in HIDDEN if not path.exists()]
    (layout.state / "made-folders.json").write_text(json.dumps(made))
    for path in HIDDEN:
        path.mkdir(parents=True, exist_ok=True)
        hidden_folder(layout, path).mkdir(parents=True)
    for name, value in KERNEL.items():
        hidden_setting(layout, name).write_text(f"{value}\n")


def hidden_folder(layout: Layout, path: Path) -> Path:
    """Where the node's own version of a host's folder is kept."""
    return layout.hidden / path.relative_to("/")


def hidden_setting(layout: Layout, name: str) -> Path:
    """Where the node's own version of a kernel setting is kept."""
    return layout.hidden / name.replace("/", "-")


def render_script(layout: Layout, ready: Path) -> str:
    """Return the script of the process that furnishes the namespace and then holds it."""
    folders = [f"mount --bind {hidden_folder(layout, path)} {path}" for path in HIDDEN]
    settings = [f"mount --bind {hidden_setting(layout, name)} /proc/sys/{name}" for name in KERNEL]
    # Shared, so that volumes with mount propagation work as on any node.
    lines = ["set -e", "mount --make-rshared /", *folders, *settings, f"touch {ready}", "exec sleep infinity"]
    return "\n".join(lines) + "\n"


def enter(layout: Layout) -> list[str]:
    """Return the words that run a command on the node: in its mounts and in its network."""
    holder = processes.read_records(layout)["mounts"]
    return ["nsenter", f"--target={holder.pid}", "--mount", f"--net={layout.network_namespace}"]


def down(layout: Layout) -> None:
    """Remove what is still mounted below our folders, and the folders the host did not have."""
    for path in reversed(find_below([layout.state, layout.run])):
        progress.run(["umount", "--lazy", path])
    record = layout.state / "made-folders.json"
    made = json.loads(record.read_text()) if record.exists() else []
    for folder in map(Path, made):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def find_below(folders: list[Path]) -> list[str]:
    """Return the host's mounts below some folders, in the order they were made."""
    return parse_mounts(Path("/proc/self/mountinfo").read_text(), [str(folder) for folder in folders])


def parse_mounts(mountinfo: str, folders: list[str]) -> list[str]:
    """Read the mount points at or below some folders."""
    points = [line.split()[4] for line in mountinfo.splitlines()]
    return [point for point in points if any(point == f or point.startswith(f + "/") for f in folders)]
