"""The control group that holds every pod of the cluster, in version 1 and in version 2."""

import os
from pathlib import Path

from tests.cluster import processes, progress

ROOT = Path("/sys/fs/cgroup")
NAME = "scriptorium"
CONTROLLERS = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"]


def is_version_2(root: Path = ROOT) -> bool:
    """Tell whether the machine has the one tree of version 2."""
    return (root / "cgroup.controllers").exists()


def find_trees(root: Path = ROOT) -> list[Path]:
    """Return the top folder of each tree: one in version 2, one a controller in version 1."""
    if is_version_2(root):
        return [root]
    return [path for path in sorted(root.iterdir()) if _is_tree(path)]


def _is_tree(path: Path) -> bool:
    # A tree of two controllers also has a link for each of them.
    return not path.is_symlink() and (path / "cgroup.procs").exists()


def up() -> None:
    """Make our group in every tree, ready to have children with limits."""
    for tree in find_trees():
        group = tree / NAME
        group.mkdir(exist_ok=True)
        if is_version_2():
            _enable_controllers(tree)
            _enable_controllers(group)
        elif (tree / "cpuset.cpus").exists():
            _inherit_processors(tree, group)


def _enable_controllers(group: Path) -> None:
    available = (group / "cgroup.controllers").read_text().split()
    for name in CONTROLLERS:
        if name in available:
            (group / "cgroup.subtree_control").write_text(f"+{name}")


def _inherit_processors(tree: Path, group: Path) -> None:
    # A new group of version 1 may use no processor at all until it is told which.
    for name in ("cpuset.cpus", "cpuset.mems"):
        (group / name).write_text((tree / name).read_text())


def find_groups() -> list[Path]:
    """Return our groups, children before parents."""
    tops = [tree / NAME for tree in find_trees() if (tree / NAME).is_dir()]
    # Pods that end take their groups with them, while we look: a walk leaves those out.
    below = [Path(folder) for top in tops for folder, _, files in os.walk(top) if "cgroup.procs" in files]
    return sorted(below, key=lambda path: len(path.parts), reverse=True)


def find_processes() -> set[int]:
    """Return the processes of all pods."""
    return {pid for group in find_groups() for pid in _read_processes(group)}


def _read_processes(group: Path) -> list[int]:
    try:
        return [int(line) for line in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def down() -> None:
    """End every process of every pod and remove the groups."""

    def is_empty() -> bool:
        found = find_processes()
        processes.end_all(found)
        return not found

    progress.wait_until("the pods' processes end", is_empty, seconds=20)
    progress.wait_until("the pods' control groups go", _remove_groups, seconds=10)


def _remove_groups() -> bool:
    for group in find_groups():
        try:
            group.rmdir()
        except OSError:
            # The kernel lets go of a group only some moments after its last process.
            return False
    return True
