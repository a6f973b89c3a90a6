"""The open loop: every server in turn at the same rates, round after round, each asked whatever it does."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.endpoints import constant_rate, servers, vegeta
from bench.endpoints.cases import HELLO
from bench.endpoints.constant_rate import Rate, Run
from bench.endpoints.rounds import Pace
from bench.endpoints.servers import Server


@dataclass(frozen=True, slots=True)
class Key:
    """What a figure is of."""

    server: str
    rate: Rate


Measured = dict[Key, list[Run]]


def measure(program: Path, served: Sequence[Server], rates: Sequence[Rate], pace: Pace) -> Measured:
    """Measure all, in turns."""
    measured: Measured = {}
    for number in range(pace.rounds):
        print(f"open loop, round {number + 1} of {pace.rounds}", flush=True)
        for rate, server in itertools.product(rates, served):
            servers.wait_until_idle(server)
            answers = vegeta.ask(program, build_order(server, rate.per_second, pace.seconds))
            run = constant_rate.count_from_due(answers, rate.per_second)
            measured.setdefault(Key(server.name, rate), []).append(run)
    return measured


def build_order(server: Server, rate: int, seconds: int) -> vegeta.Order:
    """Say what a server is asked."""
    return vegeta.Order(server.url + HELLO.path, rate, rate * seconds, HELLO.expected, server.host)
