"""What the kernel allows and counts of this container's memory: cgroup v1 and v2."""

import os
from collections.abc import Iterator
from pathlib import Path

from scriptorium_api.values import frozen

#: Version 1 writes "no limit" as the largest number of whole pages; no machine has so much.
_NO_LIMIT = 2**60
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@frozen(kw_only=True)
class MemoryReading:
    """Bytes that the container may use, and bytes it uses that the kernel cannot take back at will."""

    limit: int
    used: int


@frozen
class ContainerMemory:
    """The memory cgroup that this process is in."""

    folder: Path
    is_version_2: bool

    def read(self) -> MemoryReading | None:
        """Read both; None if there is no limit, or the kernel does not say."""
        try:
            limit, used = self._read_version_2() if self.is_version_2 else self._read_version_1()
        except (OSError, ValueError, KeyError):
            return None
        return MemoryReading(limit=limit, used=used) if limit < _NO_LIMIT else None

    def _read_version_1(self) -> tuple[int, int]:
        stat = _read_numbers(self.folder / "memory.stat")
        used = int((self.folder / "memory.usage_in_bytes").read_text())
        return stat["hierarchical_memory_limit"], used - stat["total_inactive_file"]

    def _read_version_2(self) -> tuple[int, int]:
        stat = _read_numbers(self.folder / "memory.stat")
        used = int((self.folder / "memory.current").read_text())
        return min(_read_limits(self.folder), default=_NO_LIMIT), used - stat["inactive_file"]


def find_container_memory(
    proc: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")
) -> ContainerMemory | None:
    """Find the cgroup that limits this process's memory; None where there is none."""
    try:
        lines = proc.read_text().splitlines()
    except OSError:
        return None
    paths = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
    for controllers, path in paths.items():
        if "memory" in controllers.split(","):
            return _choose_folder(mount / "memory", path, "memory.usage_in_bytes", is_version_2=False)
    return _choose_folder(mount, paths.get("", "/"), "memory.current", is_version_2=True)


def read_footprint(pid: int) -> int:
    """Read how many bytes a process holds that no file backs; 0 if it is gone."""
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * _PAGE_BYTES


def _choose_folder(mount: Path, path: str, marker: str, *, is_version_2: bool) -> ContainerMemory | None:
    # In most containers the mount shows the container's own cgroup as its root, whatever the path says.
    for folder in (mount / path.lstrip("/"), mount):
        if (folder / marker).exists():
            return ContainerMemory(folder, is_version_2)
    return None


def _read_numbers(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in map(str.split, path.read_text().splitlines())}


def _read_limits(folder: Path) -> Iterator[int]:
    """Read the limits of a cgroup of version 2 and of those above it, as far as they can be seen."""
    while (path := folder / "memory.max").exists():
        if (text := path.read_text().strip()) != "max":
            yield int(text)
        folder = folder.parent
