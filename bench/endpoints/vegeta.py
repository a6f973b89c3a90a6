"""The load that does not wait for answers: vegeta, which asks at a constant rate, whatever the server does.

A server that stalls is asked on, as by people who know nothing of each other. vegeta tells when each request
was sent, and how long it took from then; `constant_rate` counts from the moment it was due.
"""

import base64
import csv
import re
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.endpoints.servers import LeftOut
from tests.cluster import programs
from tests.cluster.errors import ClusterError

NAME = "vegeta"
_PACKAGE = "github.com/tsenart/vegeta/v12"
PROGRAM = programs.Program(NAME, _PACKAGE, 1, Path(__file__).with_name("binaries"))
#: One processor is enough for what the servers here can do, and leaves them the other.
_PROCESSORS = 1
#: Requests under way at once; whoever is due beyond them is sent late, which counts as waiting.
MOST_WORKERS = 1000
#: An answer that took longer is none.
_TIMEOUT_SECONDS = 10
#: What vegeta may need beyond the time of the load, to begin and to write.
_MORE_SECONDS = 60
#: What it notes once all is sent, of requests that were never meant.
_AT_THE_END = "no targets to attack"


class VegetaFailed(Exception):
    """The load could not be made; what a server does is no reason for that."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for, how often a second, and how often in all."""

    url: str
    rate: int
    count: int
    expected: str
    host: str | None = None
    """The name in the Host header, where it is not the URL's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request; times in nanoseconds."""

    place: int
    """Among all, in the order they were sent."""
    sent: int
    took: int
    status: int
    """0 where no answer came."""
    is_right: bool
    told: str
    """What else came, in a few words; empty where it is right."""


def ensure() -> Path:
    """Give the program, built now unless the cache has it; raises LeftOut where it cannot be had."""
    try:
        return programs.ensure_program(PROGRAM)
    except ClusterError as error:
        raise LeftOut(str(error).splitlines()[-1]) from error


def read_version() -> str:
    """Give which vegeta it is: that which its module pins."""
    pinned = re.search(rf"{_PACKAGE} (v\S+)", (PROGRAM.source / "go.mod").read_text())
    return pinned[1] if pinned else "unknown"


def ask(program: Path, order: Order) -> list[Answer]:
    """Ask a server, and give what became of each request, in the order they were sent."""
    with tempfile.NamedTemporaryFile(prefix="vegeta-") as results:
        patience = order.count / order.rate + _TIMEOUT_SECONDS * (1 + order.count // MOST_WORKERS)
        targets = f"GET {order.url}\n" * order.count
        _run(render_command(program, order, results.name), targets, patience)
        said = _run([str(program), "encode", "--to", "csv", results.name], "", 0)
    answers = parse(said.splitlines(), order.expected)
    if len(answers) != order.count:
        raise VegetaFailed(f"vegeta asked {len(answers)} times instead of {order.count}")
    return answers


def render_command(program: Path, order: Order, results: str) -> list[str]:
    """Give the command line; it ends with the list of what to ask, so that exactly so many are asked."""
    return [
        str(program),
        f"-cpus={_PROCESSORS}",
        "attack",
        "-lazy",
        f"-rate={order.rate}/1s",
        f"-timeout={_TIMEOUT_SECONDS}s",
        f"-max-workers={MOST_WORKERS}",
        "-redirects=-1",
        *([f"-header=Host: {order.host}"] if order.host else []),
        f"-output={results}",
    ]


def parse(lines: Iterable[str], expected: str) -> list[Answer]:
    """Read what vegeta tells of each request."""
    rows = [row for row in csv.reader(lines) if row[5] != _AT_THE_END]
    return sorted((_parse_row(row, expected) for row in rows), key=lambda answer: answer.place)


def _parse_row(row: list[str], expected: str) -> Answer:
    sent, status, took, _, _, error, encoded, _, place = row[:9]
    body = base64.b64decode(encoded).decode(errors="replace")
    is_right = status == "200" and body == expected
    # What went wrong comes last in vegeta's own words, after the URL.
    told = "" if is_right else _flatten(body)[:60] or _flatten(error)[-60:]
    return Answer(int(place), int(sent), int(took), int(status), is_right, told)


def _flatten(text: str) -> str:
    return " ".join(text.split())


def _run(command: list[str], given: str, patience: float) -> str:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience + _MORE_SECONDS,
    )
    if done.returncode != 0:
        raise VegetaFailed(f"vegeta ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout
