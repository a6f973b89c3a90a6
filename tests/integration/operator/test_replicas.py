"""Two replicas of the operator: one works, the other takes over."""

import signal

import pytest

from tests.integration.chart.rendering import NAMESPACE
from tests.integration.operator.processes import StartOperator
from tests.support.kubectl import Kubectl
from tests.support.manifests import script
from tests.support.waiting import until

pytestmark = pytest.mark.cluster


def leader_of(kubectl: Kubectl) -> str:
    lease = kubectl.get("lease", "scriptorium-operator", NAMESPACE)
    return str(lease["spec"]["holderIdentity"]).partition("/")[0] if lease else ""


def is_judged(kubectl: Kubectl, namespace: str, name: str) -> bool:
    return bool((kubectl.get("script", name, namespace) or {}).get("status"))


def test_when_the_leader_is_killed_the_other_takes_over(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    first = start_operator()
    until(lambda: leader_of(kubectl) == "operator-0", 20)
    start_operator()
    kubectl.apply(script("before", source="return 1;"), namespace)
    until(lambda: is_judged(kubectl, namespace, "before"), 20)
    assert leader_of(kubectl) == "operator-0"
    first.send(signal.SIGKILL)
    first.wait()
    kubectl.apply(script("after", source="return 1;"), namespace)
    until(lambda: leader_of(kubectl) == "operator-1", 20, "the other replica took over")
    until(lambda: is_judged(kubectl, namespace, "after"), 20)


def test_a_leader_that_is_told_to_stop_is_followed_at_once(
    start_operator: StartOperator, kubectl: Kubectl
) -> None:
    first = start_operator()
    until(lambda: leader_of(kubectl) == "operator-0", 20)
    start_operator()
    first.stop()
    # Given up, not run out: that would take longer.
    until(lambda: leader_of(kubectl) == "operator-1", 8, "the other replica took over")


def test_a_leader_that_stood_still_writes_nothing_when_it_comes_back_and_ends(
    start_operator: StartOperator, kubectl: Kubectl, namespace: str
) -> None:
    first = start_operator()
    until(lambda: leader_of(kubectl) == "operator-0", 20)
    start_operator()
    first.send(signal.SIGSTOP)
    until(lambda: leader_of(kubectl) == "operator-1", 30, "the other replica took over")
    kubectl.apply(script("meanwhile", source="return 1;"), namespace)
    until(lambda: is_judged(kubectl, namespace, "meanwhile"), 20)
    first.send(signal.SIGCONT)
    assert first.wait() == 1
    assert "another replica took over" in first.read_log()
    assert leader_of(kubectl) == "operator-1"
