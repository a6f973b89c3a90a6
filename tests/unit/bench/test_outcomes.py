"""What rounds come to, and what is required."""

import pytest

from bench.endpoints import outcomes
from bench.endpoints.cases import HELLO, HELLO_CLIENTS
from bench.endpoints.programs import AIOHTTP, VM
from bench.endpoints.rounds import Key, Measured, Memory
from bench.endpoints.wrk import Check, Load

OURS = "ours"
NO_ERRORS = {"connect": 0, "read": 0, "write": 0, "timeout": 0, "status": 0}


def make_load(*, rate=1000, p50=0.001, p99=0.002, refused=0, slowest=0.01):
    return Load(1, rate + refused, p50, p99, p99, slowest, NO_ERRORS | {"status": refused})


def make_measured(**changes):
    loads = {Key(OURS, HELLO.name, clients): [make_load()] for clients in HELLO_CLIENTS}
    loads |= {
        Key(VM, HELLO.name, 20): [make_load(rate=400)],
        Key(AIOHTTP, HELLO.name, 20): [make_load(rate=4000)],
    }
    loads |= {Key(OURS, HELLO.name, clients): [load] for clients, load in changes.get("loads", {}).items()}
    for name in changes.get("without", ()):
        del loads[Key(name, HELLO.name, 20)]
    checks = {Key(OURS, HELLO.name, 500): Check(100, 0, changes.get("wrong", 0), 0, 0, "")}
    held = [Memory(own, own) for own in changes.get("held", (40, 50, 51))]
    return Measured(loads, checks, {OURS: held})


def judge(**changes):
    return [verdict.is_so for verdict in outcomes.judge(OURS, make_measured(**changes))]


#: Bar, twice the bar, half the floor, one client's median, tail, answers, goodput, memory.
AS_MADE = [True, True, False, True, True, True, True, True]


def but(*changed):
    return [dict(changed).get(place, verdict) for place, verdict in enumerate(AS_MADE)]


@pytest.mark.parametrize(
    ("changes", "verdicts"),
    [
        ({}, but()),
        ({"loads": {20: make_load(rate=300)}}, but((0, False), (1, False))),
        ({"loads": {20: make_load(rate=500)}}, but((1, False))),
        ({"loads": {20: make_load(rate=2000), 500: make_load(rate=1800)}}, but((2, True))),
        ({"loads": {1: make_load(p50=0.0021)}}, but((3, False))),
        ({"loads": {20: make_load(p99=0.0051)}}, but((4, False))),
        ({"wrong": 1}, but((5, False))),
        ({"loads": {500: make_load(rate=899)}}, but((6, False))),
        ({"loads": {500: make_load(rate=899, refused=500)}}, but((6, False))),
        ({"held": (40, 50, 53)}, but((7, False))),
        ({"held": (40, 50)}, but((7, None))),
        ({"held": ()}, but((7, None))),
        ({"without": [VM]}, but((0, None), (1, None))),
        ({"without": [AIOHTTP]}, but((2, None))),
    ],
)
def test_what_is_required_is_judged(changes, verdicts):
    assert judge(**changes) == verdicts


def test_rounds_come_to_their_medians_and_the_slowest_of_all():
    loads = [make_load(rate=10 * each, p50=each, p99=2 * each, slowest=3 * each) for each in (1, 9, 2)]
    outcome = outcomes.sum_up(loads)
    assert (outcome.figures.p50, outcome.figures.p99, outcome.figures.per_second) == (2, 4, 20)
    assert (outcome.max, outcome.figures.count) == (27, 120)


def test_errors_of_all_rounds_are_added_up():
    assert outcomes.sum_up([make_load(refused=2), make_load(refused=3)]).errors["status"] == 5


def test_the_peak_is_what_all_of_the_named_reach_with_as_many_clients_as_usual():
    measured = make_measured(loads={20: make_load(rate=700), 100: make_load(rate=900)})
    assert outcomes.find_peak([OURS], measured) == 700
    assert outcomes.find_peak([OURS, VM], measured) == 400
    assert outcomes.find_peak(["nobody"], measured) is None
