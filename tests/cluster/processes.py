"""Processes that outlive the command that started them, known again by more than their number."""

import json
import os
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster import progress
from tests.cluster.layout import Layout

PROC = Path("/proc")


@dataclass(frozen=True)
class Record:
    """A process that was started: a number alone may belong to another process by now."""

    name: str
    pid: int
    #: Clock ticks between the machine's start and the process's, from /proc/PID/stat.
    start: int
    boot: str


def start(layout: Layout, name: str, command: list[str], extra: dict[str, str] | None = None) -> Record:
    """Start a process of its own session that logs to a file, and record it."""
    # A clean environment: the host's proxies and certificates are not the cluster's.
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    with (layout.logs / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment | (extra or {}),
            start_new_session=True,
        )
    record = Record(name, process.pid, read_start(process.pid), read_boot())
    (layout.records / f"{name}.json").write_text(json.dumps(asdict(record)))
    return record


def read_records(layout: Layout) -> dict[str, Record]:
    """Return the processes that were started, dead or alive."""
    if not layout.records.is_dir():
        return {}
    files = sorted(layout.records.glob("*.json"))
    return {path.stem: Record(**json.loads(path.read_text())) for path in files if path.stat().st_size}


def is_alive(record: Record) -> bool:
    """Tell whether exactly this process still runs."""
    try:
        stat = (PROC / str(record.pid) / "stat").read_text()
    except OSError:
        return False
    state, started = parse_stat(stat)
    return started == record.start and state not in "ZX" and record.boot == read_boot()


def read_start(pid: int) -> int:
    """Return when a process started."""
    return parse_stat((PROC / str(pid) / "stat").read_text())[1]


def parse_stat(stat: str) -> tuple[str, int]:
    """Read state and start time; the name before them may itself hold spaces and brackets."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])


def read_boot() -> str:
    """Return what tells this run of the machine from every other."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def end(records: list[Record]) -> None:
    """End exactly these processes. Nothing they hold is kept, so they are not asked."""
    for record in records:
        if is_alive(record):
            os.kill(record.pid, signal.SIGKILL)
    progress.wait_until("processes end", lambda: not any(is_alive(record) for record in records), 20)


def end_all(pids: set[int]) -> None:
    """End processes that were found by where they run."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def find_in_namespace(handle: Path) -> set[int]:
    """Find the processes of our network namespace that also left the host's mount namespace.

    A person who looks around in the network namespace from a shell of the host is not among them.
    """
    if not is_namespace(handle):
        return set()
    inode, host_mounts = handle.stat().st_ino, (PROC / "self/ns/mnt").stat().st_ino
    return {
        pid
        for pid in list_pids()
        if _read_inode(pid, "net") == inode and _read_inode(pid, "mnt") != host_mounts
    }


def is_namespace(handle: Path) -> bool:
    """Tell whether a file is the handle of a namespace and not the empty file below it."""
    return handle.exists() and handle.stat().st_dev == (PROC / "self/ns/net").stat().st_dev


def list_pids() -> list[int]:
    """Return the numbers of all processes."""
    return [int(path.name) for path in PROC.iterdir() if path.name.isdigit()]


def _read_inode(pid: int, kind: str) -> int:
    try:
        return (PROC / str(pid) / "ns" / kind).stat().st_ino
    except OSError:
        return 0
