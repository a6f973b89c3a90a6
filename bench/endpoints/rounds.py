"""The measuring itself: every server in turn, for each case and number of clients, round after round."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.endpoints import parts, servers, wrk
from bench.endpoints.cases import HELLO, MOST, USUAL, Case
from bench.endpoints.servers import Server
from bench.processes import find_descendants, read_memory


@dataclass(frozen=True, slots=True)
class Key:
    """What a figure is of."""

    server: str
    case: str
    clients: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What a server holds, in MiB."""

    own: float
    """Resident in the process that was started."""
    all: float
    """The share of memory of it and all below it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often."""

    rounds: int
    seconds: int
    check_seconds: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All that was measured."""

    loads: dict[Key, list[wrk.Load]] = field(default_factory=dict)
    checks: dict[Key, wrk.Check] = field(default_factory=dict)
    memory: dict[str, list[Memory]] = field(default_factory=dict)
    """Of each server: before the most clients came first, then after they went each time."""
    spent: dict[str, parts.Parts] = field(default_factory=dict)
    """What the time of each server went to, where it tells."""


def measure(served: Sequence[Server], cases: Sequence[Case], pace: Pace) -> Measured:
    """Measure all, in turns. What a server answers is looked at once, which also warms it up."""
    measured = Measured()
    for number in range(pace.rounds):
        print(f"round {number + 1} of {pace.rounds}", flush=True)
        for case, clients, server in _take_turns(served, cases):
            key = Key(server.name, case.name, clients)
            target = wrk.Target(server.url + case.path, clients, server.host)
            servers.wait_until_idle(server)
            if key not in measured.checks:
                measured.checks[key] = wrk.check(target, pace.check_seconds, case.expected)
                servers.wait_until_idle(server)
            measured.loads.setdefault(key, []).append(_load(measured, server, (case, target), pace.seconds))
    return measured


def _take_turns(served: Sequence[Server], cases: Sequence[Case]) -> Iterator[tuple[Case, int, Server]]:
    for case in cases:
        for clients in case.clients:
            for server in served:
                if case.name in server.cases:
                    yield case, clients, server


def _load(measured: Measured, server: Server, asked: tuple[Case, wrk.Target], seconds: int) -> wrk.Load:
    """Put one server under one load, and note what it holds or tells of it."""
    case, target = asked
    is_usual, is_most = (case is HELLO and target.clients == clients for clients in (USUAL, MOST))
    held = measured.memory.setdefault(server.name, [])
    if is_most and server.process and not held:
        held.append(read_held(server.process))
    before = parts.read(server.tellers) if is_usual else {}
    load = wrk.measure(target, seconds)
    if is_usual and (spent := parts.subtract(parts.read(server.tellers), before)):
        measured.spent[server.name] = spent
    if is_most and server.process:
        held.append(read_held(server.process))
    return load


def read_held(process: int) -> Memory:
    """Give what a server's processes hold."""
    own = read_memory(process)
    below = [memory for each in find_descendants(process) if (memory := _read_if_there(each))]
    return Memory(own["RSS"], own["PSS"] + sum(memory["PSS"] for memory in below))


def _read_if_there(process: int) -> dict[str, float] | None:
    """Give what a process holds; processes that run scripts come and go."""
    try:
        return read_memory(process)
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return None
