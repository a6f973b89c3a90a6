"""The environment that a process was started with: gone, also from its memory."""

import os

from scriptorium_runner.engine.seal import kernel


def wipe() -> None:
    """Forget all variables and overwrite them where the kernel put them, and forks would inherit them."""
    os.environ.clear()
    start, end = _find_place()
    if end > start:
        kernel.overwrite(start, end - start)


def is_wiped() -> bool:
    """Say whether /proc would show nothing."""
    with open("/proc/self/environ", "rb") as left:
        return not os.environ and not left.read().strip(b"\0")


def _find_place() -> tuple[int, int]:
    """Read env_start and env_end, fields 50 and 51 of proc(5)'s stat."""
    with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[47]), int(fields[48])
