"""An API server that answers wrongly for a while: soon after all is done, once, and then nothing more."""

import threading

import pytest

from tests.faults.proxy import Cut, Expire, Fault, FaultProxy, Refuse, Request, Rule
from tests.integration.operator.stage import Stage, a_namespace, make_script_and_pool
from tests.support.kubectl import Kubectl
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

#: A fault lasts until so many requests met it: retries and second watches among them.
FAULT_REQUESTS = 12


def refuse_writes(status: int, retry_after: int | None = None) -> Rule:
    def rule(request: Request) -> Fault | None:
        return Refuse(status, retry_after) if request.is_write else None

    return rule


def refuse_all(status: int) -> Rule:
    def rule(request: Request) -> Fault | None:
        return Refuse(status) if "/leases" not in request.path else None

    return rule


def on_watches(fault: Fault) -> Rule:
    def rule(request: Request) -> Fault | None:
        return fault if request.is_watch else None

    return rule


FAULTS: dict[str, Rule] = {
    "409 to every write": refuse_writes(409),
    "429 with Retry-After to every write": refuse_writes(429, 1),
    "500 to every write": refuse_writes(500),
    "500 to everything": refuse_all(500),
}

#: These are there from the operator's start: a watch that is open already would not meet them for minutes.
WATCH_FAULTS: dict[str, Rule] = {
    "every watch ends after a second": on_watches(Cut(1)),
    "every watch has expired": on_watches(Expire()),
}


@pytest.mark.parametrize("name", [*FAULTS, *WATCH_FAULTS])
def test_after_a_fault_everything_is_as_without_it(
    name: str, stage: Stage, proxy: FaultProxy, kubectl: Kubectl
) -> None:
    wanted, _ = stage.run(None, make_script_and_pool)
    with a_namespace(kubectl) as namespace:
        met = count_faults(proxy, WATCH_FAULTS.get(name, lambda _request: None))
        operator = stage.start_alone()
        if name in FAULTS:
            met = count_faults(proxy, FAULTS[name])
        make_script_and_pool(kubectl, namespace)
        until(lambda: len(met) >= FAULT_REQUESTS, 60, "the fault was met")
        proxy.rule = lambda _request: None
        found = stage.settle(namespace)
        assert found == wanted
        # A runner pod may become ready meanwhile, which is written down once.
        until(lambda: count_writes(proxy, namespace) == 0, 60, "nothing is written any more")
        operator.stop()


def count_faults(proxy: FaultProxy, rule: Rule) -> list[Request]:
    """Order the fault; give the list of the requests that will have met it."""
    met: list[Request] = []

    def note(request: Request) -> Fault | None:
        fault = rule(request)
        if fault is not None:
            met.append(request)
        return fault

    proxy.rule = note
    return met


def count_writes(proxy: FaultProxy, namespace: str) -> int:
    """Count the writes to a namespace within five seconds."""
    before = len(proxy.writes)
    threading.Event().wait(5)
    return sum(namespace in write.path for write in proxy.writes[before:])
