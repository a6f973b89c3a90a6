"""Server programs: started, waited for, and ended by the number of their process."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_START_SECONDS, _STOP_SECONDS, _IDLE_SECONDS = 60.0, 15.0, 60.0
_LOOK_SECONDS = 0.05


class LeftOut(Exception):
    """A server cannot be had or run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Program:
    """How a server is started."""

    name: str
    command: tuple[str, ...]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[str, ...] = ("hello", "work", "wait")
    """The names of the cases that it can serve."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    name: str
    url: str
    cases: tuple[str, ...]
    process: int | None = None
    """None for one that others started."""
    host: str | None = None
    tellers: tuple[str, ...] = ()
    """Where its processes tell of themselves at /metrics."""


def find_free_port(address: str = "127.0.0.1") -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])


@contextmanager
def run(program: Program, folder: Path) -> Iterator[Server]:
    """Start a server, give it once it says hello, and end it; raises LeftOut where it does not come up."""
    log = folder / f"{program.port}.log"
    with log.open("w") as output:
        try:
            process = subprocess.Popen(
                program.command,
                env=os.environ | program.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # So that what it started itself can be ended with it.
                start_new_session=True,
            )
        except OSError as error:
            raise LeftOut(f"{program.command[0]} does not start: {error.strerror}") from error
    url = f"http://127.0.0.1:{program.port}"
    try:
        _wait_until_up(process, f"{url}/hello", log)
        yield Server(program.name, url, program.cases, process.pid)
    finally:
        _stop(process)


def wait_until_idle(server: Server) -> None:
    """Wait until a server answers well: what it was asked before, by clients that are gone, comes first."""
    deadline = time.monotonic() + _IDLE_SECONDS
    while not _is_up(f"{server.url}/hello", server.host) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_up(url):
        if process.poll() is not None:
            raise LeftOut(f"it ended with {process.returncode}: {_read_last_line(log)}")
        if time.monotonic() > deadline:
            raise LeftOut(f"it does not answer after {_START_SECONDS:.0f} s: {_read_last_line(log)}")
        time.sleep(_LOOK_SECONDS)


def _is_up(url: str, host: str | None = None) -> bool:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})  # noqa: S310
    try:
        # The URL is of our own server, or one that a person has named.
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _read_last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, and whatever is left of its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
