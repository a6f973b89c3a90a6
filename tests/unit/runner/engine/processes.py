"""What the kernel tells of an engine's processes."""

import asyncio
import contextlib
import itertools
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

#: Workers are not dumpable, so their own user may not look into them.
seen_by_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what a sealed process holds")


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what changes is the kernel's list of processes
            await asyncio.sleep(0.01)


def find_descendants(pid: int) -> set[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] != "Z":
                parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def find_running() -> set[int]:
    running = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[0] != "Z":
                running.add(int(stat.parent.name))
    return running


def find_newest_zygote() -> int:
    """Find the zygote of the engine that was started last; the other tests' engine has one too."""
    zygotes = [pid for pid in find_descendants(os.getpid()) if read_parent(pid) == os.getpid()]
    return max(zygotes, key=read_start)


def find_zygote(workers: int) -> int:
    zygote = find_newest_zygote()
    assert len(find_descendants(zygote)) == workers
    return zygote


def read_parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def read_start(pid: int) -> int:
    """Give when a process was started, in the kernel's ticks; its number may have begun anew meanwhile."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def is_at_work(pid: int) -> bool:
    """Say whether a process has burned a tenth of a second, which a worker does only in a script."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]) >= 10


def read_environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def list_open_files(pid: int) -> list[str]:
    return sorted(os.readlink(entry).partition(":")[0] for entry in Path(f"/proc/{pid}/fd").iterdir())


def list_descriptors(pid: int) -> set[int]:
    names = os.listdir(f"/proc/{pid}/fd")
    # One of the names may be that of the listing itself.
    return {int(name) for name in names if os.path.lexists(f"/proc/{pid}/fd/{name}")}


def list_children(pid: int) -> list[int]:
    """List a process's children, also those that ended and were not waited for."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def leave_room(pid: int, descriptors: int) -> Iterator[None]:
    """Let a process open so many descriptors more and no others."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = list_descriptors(pid)
    free = (number for number in itertools.count() if number not in taken)
    limit = next(itertools.islice(free, descriptors, None))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
