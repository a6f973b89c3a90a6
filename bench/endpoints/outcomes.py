"""What the rounds come to: medians, sums and what is required. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.endpoints import wrk
from bench.endpoints.cases import HELLO, HELLO_CLIENTS, MOST, USUAL, count_clients
from bench.endpoints.programs import AIOHTTP, VM
from bench.endpoints.rounds import Key, Measured, Memory
from bench.figures import Figures

#: What a server may hold more after the last round than after the first, as a part of it.
_FLAT = 0.05
_SOON_SECONDS, _TAIL, _GOODPUT, _AIM, _FAR_AIM = 0.002, 5, 0.9, 2, 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one server did under one load, in all rounds."""

    figures: Figures
    """Medians of the rounds; the rate is of good answers."""
    p90: float
    max: float
    errors: dict[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something required is so; None where this run cannot tell."""

    what: str
    is_so: bool | None
    found: str


def sum_up(loads: Sequence[wrk.Load]) -> Outcome:
    """Give the medians of the rounds."""
    return Outcome(
        figures=Figures(
            p50=statistics.median(load.p50 for load in loads),
            p99=statistics.median(load.p99 for load in loads),
            per_second=statistics.median(load.good_per_second for load in loads),
            count=sum(load.requests for load in loads),
        ),
        p90=statistics.median(load.p90 for load in loads),
        max=max(load.max for load in loads),
        errors={kind: sum(load.errors[kind] for load in loads) for kind in loads[0].errors},
    )


def find_peak(names: Sequence[str], measured: Measured) -> float | None:
    """Give the rate of the usual clients that all of these servers reach; None where there is none."""
    keys = [Key(name, HELLO.name, USUAL) for name in names]
    rates = [sum_up(measured.loads[key]).figures.per_second for key in keys if key in measured.loads]
    return min(rates, default=None)


def judge(name: str, measured: Measured) -> list[Verdict]:
    """Say which of what is required of a server is so."""
    outcomes = {clients: sum_up(measured.loads[Key(name, HELLO.name, clients)]) for clients in HELLO_CLIENTS}
    alone, usual = outcomes[1].figures, outcomes[USUAL].figures
    return [
        *_judge_rate(usual, measured),
        Verdict("1 client: p50 of at most 2 ms", alone.p50 <= _SOON_SECONDS, f"{alone.p50 * 1000:.2f} ms"),
        Verdict(
            f"{USUAL} clients: p99 of at most {_TAIL} x p50",
            usual.p99 <= _TAIL * usual.p50,
            f"{usual.p99 / usual.p50:.1f} x",
        ),
        *_judge_answers(name, measured),
        _judge_goodput({clients: outcome.figures.per_second for clients, outcome in outcomes.items()}),
        _judge_memory(measured.memory.get(name, [])),
    ]


def _judge_rate(usual: Figures, measured: Measured) -> list[Verdict]:
    found = []
    for peer, times, word in ((VM, 1, "at least"), (VM, _AIM, "aim:"), (AIOHTTP, _FAR_AIM, "aim:")):
        what = f"{USUAL} clients: {word} {times} x the rate of {peer}"
        if loads := measured.loads.get(Key(peer, HELLO.name, USUAL)):
            ratio = usual.per_second / sum_up(loads).figures.per_second
            found.append(Verdict(what, ratio >= times, f"{ratio:.2f} x"))
        else:
            found.append(Verdict(what, None, "it was left out"))
    return found


def _judge_answers(name: str, measured: Measured) -> list[Verdict]:
    found = []
    for key, check in measured.checks.items():
        if key.server == name:
            what = f"{key.case}, {count_clients(key.clients)}: no wrong answer, none missing"
            of_all = f"{check.bad} of {check.right + check.refused + check.bad}"
            found.append(Verdict(what, check.bad == 0, of_all))
    return found


def _judge_goodput(rates: dict[int, float]) -> Verdict:
    part = rates[MOST] / max(rates.values())
    what = f"{MOST} clients: goodput of at least {_GOODPUT:.0%} of the peak"
    return Verdict(what, part >= _GOODPUT, f"{part:.0%}")


def _judge_memory(held: Sequence[Memory]) -> Verdict:
    what = f"{MOST} clients: memory after the last round at most {_FLAT:.0%} above that after the first"
    if len(held) < 3:
        return Verdict(what, None, "that takes two rounds, and a server that was started here")
    growth = held[-1].own / held[1].own - 1
    return Verdict(what, growth <= _FLAT, f"{growth:+.1%}")
