"""An API server that answers wrongly for a while: soon after all is done, once, and then nothing more."""

import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest

from scriptorium_operator.facts import Kind
from tests.faults.proxy import Cut, Expire, Fault, FaultProxy, Mute, Refuse, Request, Rule
from tests.integration.operator.stage import Stage, a_namespace, list_ours, make_script_and_pool
from tests.integration.operator.test_operator import NAME, apply_script
from tests.support.kubectl import Kubectl
from tests.support.manifests import script
from tests.support.waiting import until

pytestmark = pytest.mark.cluster

#: A fault lasts until so many requests met it: retries and second watches among them.
FAULT_REQUESTS = 12

#: The watches of an operator: its own of each kind that it follows, and kopf's of four.
WATCHES = len(Kind) + 4


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
    name: str, stage: Stage, proxy: FaultProxy, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
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
        assert converge(stage, namespace, capsys) == wanted
        operator.stop()


def test_watches_that_fall_silent_without_an_end_are_begun_anew(
    stage: Stage, proxy: FaultProxy, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, _ = stage.run(None, make_script_and_pool)
    with a_namespace(kubectl) as namespace:
        met = count_faults(proxy, on_watches(Mute()))
        operator = stage.start_alone(SCRIPTORIUM_WATCH_SILENCE_SECONDS="5")
        make_script_and_pool(kubectl, namespace)
        until(lambda: sum(times > 1 for times in count_watches(met)) == WATCHES, 60, "silence was noticed")
        assert list_ours(kubectl, namespace, "runnerpool,deployment") == []
        proxy.rule = lambda _request: None
        assert converge(stage, namespace, capsys) == wanted
        operator.stop()


def test_a_minute_without_an_api_server_behind_its_load_balancer_ends_no_watch(
    stage: Stage, proxy: FaultProxy, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, _ = stage.run(None, make_script_and_pool)
    with a_namespace(kubectl) as namespace:
        proxy.rule = on_watches(Cut(1))
        operator = stage.start_alone()
        proxy.rule = lambda _request: Refuse(503)
        # kopf's own patience with such answers is 54 s; after that it watches no more.
        threading.Event().wait(60)
        proxy.rule = lambda _request: None
        make_script_and_pool(kubectl, namespace)
        assert converge(stage, namespace, capsys) == wanted
        assert operator.ask("/healthz") == 200
        operator.stop()


def test_what_was_deleted_in_a_gap_of_the_watches_is_noticed(
    stage: Stage, proxy: FaultProxy, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted, _ = stage.run(None, make_script_and_pool)
    with a_namespace(kubectl) as used, a_namespace(kubectl) as left:
        proxy.rule = on_watches(Cut(1))
        operator = stage.start_alone(SCRIPTORIUM_POOL_IDLE_SECONDS="2")
        for namespace in (used, left):
            make_script_and_pool(kubectl, namespace)
        for namespace in (used, left):
            stage.settle(namespace)
        gap = count_faults(proxy, on_watches(Refuse(503)))
        until(lambda: len(count_watches(gap)) == WATCHES, 30, "nothing is watched any more")
        kubectl.run("delete", "deployment,service", NAME, "--namespace", used)
        kubectl.run("delete", "script", "hello", "--namespace", left)
        expired = count_faults(proxy, expire_once())
        until(lambda: len(expired) == WATCHES, 30, "every watch has expired once")
        assert converge(stage, used, capsys) == wanted
        # What nobody told of counts all the same: without its Script the pool is not needed any more.
        until(lambda: list_ours(kubectl, left) == [], 30, "nothing is left")
        operator.stop()


@pytest.mark.parametrize("told", ["", "/runnerpools"], ids=["everything", "pools"])
def test_an_operator_that_is_first_told_of_the_past_does_no_harm(
    told: str, stage: Stage, proxy: FaultProxy, kubectl: Kubectl, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_namespace(kubectl) as namespace:
        recall = record_the_past(stage, proxy, kubectl, namespace, told)
        wanted = renew(stage, kubectl, namespace)
        healthy = identities_of(kubectl, namespace)
        kubectl.apply(script("late", source="return 1"), namespace)
        met = count_faults(proxy, recall)
        operator = stage.start_alone()
        until(lambda: is_told(met, told), 60, "the past was told")
        proxy.rule = lambda _request: None
        assert converge(stage, namespace, capsys) == wanted
        assert identities_of(kubectl, namespace) == healthy
        until(lambda: (kubectl.get("script", "late", namespace) or {}).get("status"), 30, "news is seen")
        operator.stop()


def is_told(met: list[Request], told: str) -> bool:
    if told:
        # Who goes by a pool that is no more gets nowhere, and looks it up again.
        return sum(each.path.endswith("/runnerpools/default") for each in met) > 2
    # A list for each watch, and what the operator looked up because of it.
    return sum(not each.is_watch for each in met) > 2 * WATCHES


def record_the_past(stage: Stage, proxy: FaultProxy, kubectl: Kubectl, namespace: str, told: str) -> Rule:
    """Have an operator bring all about, and another one read it; give the rule that repeats those answers.

    `told` is what the path of a question has if it is to be answered so.
    """
    operator = stage.start_alone()
    make_script_and_pool(kubectl, namespace)
    stage.settle(namespace)
    operator.stop()
    proxy.is_recording = True
    operator = stage.start_alone()
    stage.settle(namespace)
    operator.stop()
    proxy.is_recording = False

    def recall(request: Request) -> Fault | None:
        if told not in request.path:
            return None
        # Who answers with the past does not tell news either.
        return Refuse(503) if request.is_watch else proxy.recorded.get(request.question)

    return recall


def renew(stage: Stage, kubectl: Kubectl, namespace: str) -> Any:
    """Have all made anew under the same names; give what is there then."""
    operator = stage.start_alone()
    kubectl.run("delete", "script/hello", "runnerpool/default", "--namespace", namespace)
    until(lambda: list_ours(kubectl, namespace, "script") == [], 30, "the first Script is gone")
    apply_script(kubectl, namespace, {"source": "return 2"})
    found = stage.settle(namespace)
    operator.stop()
    return found


def identities_of(kubectl: Kubectl, namespace: str) -> dict[str, tuple[str, list[str]]]:
    """Give who each object of ours is, and whose."""
    return {
        f"{item['kind']}/{item['metadata']['name']}": (
            item["metadata"]["uid"],
            [owner["uid"] for owner in item["metadata"].get("ownerReferences", [])],
        )
        for item in list_ours(kubectl, namespace)
    }


def expire_once() -> Rule:
    """Let each watch expire one time."""
    expired: set[tuple[str, str]] = set()

    def rule(request: Request) -> Fault | None:
        watch = (request.path, request.agent)
        if not request.is_watch or watch in expired:
            return None
        expired.add(watch)
        return Expire()

    return rule


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


def count_watches(requests: list[Request]) -> list[int]:
    """Give how often each watch was asked for; kopf's are other ones than ours of the same kind."""
    return list(Counter((each.path, each.agent) for each in requests if each.is_watch).values())


def converge(stage: Stage, namespace: str, capsys: pytest.CaptureFixture[str]) -> Any:
    """Wait, from the end of a fault, until all is done and nothing is written any more; say when that was."""
    begun = time.monotonic()
    found = stage.settle(namespace)
    with capsys.disabled():
        sys.stdout.write(f" [converged and quiet {time.monotonic() - begun:.1f} s after the fault] ")
    # A runner pod may become ready meanwhile, which is written down once.
    until(lambda: stage.count_writes(namespace) == 0, 60, "nothing is written any more")
    return found
