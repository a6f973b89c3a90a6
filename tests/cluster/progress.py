"""Saying what happens, and running the tools that make it happen."""

import fcntl
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.cluster.errors import CommandFailed, NotReady

#: A person who sees nothing for longer than this thinks that it hangs.
HEARTBEAT_SECONDS = 15.0

Lock = AbstractContextManager[None]


def say(message: str) -> None:
    """Print one line of progress at once, also into a pipe."""
    print(message, flush=True)


def describe_duration(seconds: float) -> str:
    """Render a duration as a person would say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def run(command: list[str], text: str | None = None, folder: Path | None = None) -> str:
    """Run a short command and return what it printed."""
    result = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CommandFailed(command, result.returncode, result.stdout + result.stderr)
    return result.stdout


def succeeds(command: list[str]) -> bool:
    """Tell whether a command can be run and ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def run_long(
    title: str, command: list[str], folder: Path | None = None, extra: Mapping[str, str] | None = None
) -> None:
    """Run a long command and say at every heartbeat for how long and what it did last."""
    started = time.monotonic()
    environment = {**os.environ, **(extra or {})}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        lines: list[str] = []
        reader = threading.Thread(target=_collect, args=(process, lines), daemon=True)
        reader.start()
        while not _ended(process):
            last = f", at {lines[-1]}" if lines else ""
            say(f"  {title}: {describe_duration(time.monotonic() - started)}, {len(lines)} lines{last}"[:160])
        reader.join()
    if process.returncode != 0:
        raise CommandFailed(command, process.returncode, "\n".join(lines[-60:]))


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    assert process.stdout is not None
    lines.extend(line.rstrip() for line in process.stdout)


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(HEARTBEAT_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def wait_until(title: str, is_true: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition, looking often, because start-up time is what people feel."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise NotReady(f"{title}: not so after {describe_duration(seconds)}")
        time.sleep(0.05)


@contextmanager
def locked(path: Path, title: str) -> Iterator[None]:
    """Hold a lock between processes; say at every heartbeat that another one has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        started = said = time.monotonic()
        while not _try_lock(file.fileno()):
            now = time.monotonic()
            if now - said > HEARTBEAT_SECONDS or said == started:
                say(f"  {title}: another process is at it, waiting {describe_duration(now - started)}")
                said = now + 1e-6
            time.sleep(0.2)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
