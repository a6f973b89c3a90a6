"""The load: wrk, a fixed number of clients that each ask again as soon as they are answered."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import packages

_SCRIPT = Path(__file__).with_name("wrk.lua")
#: One is enough for what the servers here can do, and leaves them the other core.
_THREADS = 1
#: How long one that checks waits for the last answers.
PATIENCE_SECONDS = 3
#: An answer that took longer is an error.
_TIMEOUT_SECONDS = 10
#: What wrk may need beyond the time of the load, to begin and to add up.
_MORE_SECONDS = 60
_SOCKET_ERRORS = ("connect", "read", "write", "timeout")


class WrkFailed(Exception):
    """The load could not be made, mostly because nobody listens any more."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run came to; times in seconds."""

    seconds: float
    requests: int
    """All that were answered, whatever the answer was."""
    p50: float
    p90: float
    p99: float
    max: float
    errors: dict[str, int]
    """By kind; `status` are answers of 400 and above."""

    @property
    def per_second(self) -> float:
        """Give the answers a second."""
        return self.requests / self.seconds

    @property
    def good_per_second(self) -> float:
        """Give the good answers a second."""
        return (self.requests - self.errors["status"]) / self.seconds


@dataclass(frozen=True, slots=True)
class Check:
    """What the answers of one run were."""

    right: int
    refused: int
    """429 and 503: honest answers of one that has too much to do."""
    wrong: int
    unanswered: int
    """Requests without an answer some seconds after the last one."""
    broken: int
    """Connections that failed."""
    example: str
    """One of the wrong answers."""

    @property
    def bad(self) -> int:
        """Give the requests that went wrong; a connection that fails mostly takes a request with it."""
        return self.wrong + max(self.unanswered, self.broken)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for, and by how many at once."""

    url: str
    clients: int
    host: str | None = None
    """The name in the Host header, where it is not the URL's."""


def ensure() -> None:
    """Install it from Debian where it is missing; raises ClusterError where that cannot be."""
    if shutil.which("wrk") is None:
        packages.ensure(["wrk"])


def measure(target: Target, seconds: int) -> Load:
    """Put a server under load, and time it."""
    return parse_load(_run(target, seconds, {}))


def check(target: Target, seconds: int, expected: str) -> Check:
    """Put a server under load, look at every answer, and wait for the last ones."""
    environment = {"BENCH_EXPECTED": expected, "BENCH_ASK_SECONDS": str(seconds)}
    return parse_check(_run(target, seconds + PATIENCE_SECONDS, environment))


def parse_load(fields: dict[str, Any]) -> Load:
    """Read the figures of a run that was timed."""
    kinds = (*_SOCKET_ERRORS, "status")
    return Load(
        seconds=fields["seconds"],
        requests=int(fields["requests"]),
        p50=fields["p50"],
        p90=fields["p90"],
        p99=fields["p99"],
        max=fields["max"],
        errors={kind: int(fields[kind]) for kind in kinds},
    )


def parse_check(fields: dict[str, Any]) -> Check:
    """Read the figures of a run that was looked at; wrk writes one request more, as a trial."""
    asked, answered = int(fields["asked"]), int(fields["answered"])
    wrong, refused = int(fields["wrong"]), int(fields["refused"])
    return Check(
        right=answered - wrong - refused,
        refused=refused,
        wrong=wrong,
        unanswered=max(0, asked - answered - 1),
        broken=sum(int(fields[kind]) for kind in _SOCKET_ERRORS),
        example=fields["example"],
    )


def read_version() -> str:
    """Give which wrk it is."""
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    return " ".join(said.split()[:2])


def _run(target: Target, seconds: int, environment: dict[str, str]) -> dict[str, Any]:
    command = [
        "wrk",
        f"--threads={_THREADS}",
        f"--connections={target.clients}",
        f"--duration={seconds}s",
        f"--timeout={_TIMEOUT_SECONDS}s",
        f"--script={_SCRIPT}",
        *_name_host(target.host),
        target.url,
    ]
    said = subprocess.run(
        command,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + _TIMEOUT_SECONDS + _MORE_SECONDS,
    )
    if said.returncode != 0:
        raise WrkFailed(f"wrk ended with {said.returncode} at {target.url}: {said.stderr.strip()}")
    fields: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return fields


def _name_host(host: str | None) -> Sequence[str]:
    return [f"--header=Host: {host}"] if host else []
