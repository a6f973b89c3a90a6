from dataclasses import replace

from scriptorium_api.env import Origin, ValueRef
from scriptorium_api.runner_pool import RunnerPoolStatus
from scriptorium_operator.build.pool_status import build_pool_status, build_refused_status
from scriptorium_operator.facts import PoolValues, RunnerCounts
from tests.unit.operator.fakes import NOW, make_pool

ALL_READY = RunnerCounts(pods=2, ready=2, updated=2, is_observed=True)


def build(counts: RunnerCounts) -> RunnerPoolStatus:
    return build_pool_status(make_pool(replicas=2, workersPerRunner=5), counts, NOW)


def readiness(status: RunnerPoolStatus) -> tuple[str, str]:
    return status.conditions[0].status, status.conditions[0].reason


def test_workers_are_those_of_the_ready_pods() -> None:
    status = build(replace(ALL_READY, ready=1))
    assert (status.replicas, status.ready, status.workers) == (2, 1, 5)


def test_the_selector_is_as_the_scale_subresource_wants_it() -> None:
    assert build(ALL_READY).selector == (
        "app.kubernetes.io/name=scriptorium,app.kubernetes.io/component=runner,"
        "app.kubernetes.io/instance=default"
    )


def test_a_pool_is_ready_when_all_its_pods_are() -> None:
    assert readiness(build(ALL_READY)) == ("True", "RunnersReady")


def test_a_relaxed_sandbox_shows_in_the_pool_and_a_whole_one_does_not() -> None:
    relaxed = build_pool_status(make_pool(), ALL_READY, NOW, requires_landlock=False).conditions[-1]
    assert (relaxed.type, relaxed.status, relaxed.reason) == ("SandboxRelaxed", "True", "LandlockNotRequired")
    assert [condition.type for condition in build(ALL_READY).conditions] == ["Ready"]


def test_a_pool_is_not_ready_while_a_pod_starts() -> None:
    status = build(replace(ALL_READY, ready=1))
    assert readiness(status) == ("False", "RunnersStarting")
    assert status.conditions[0].message == "1 of 2 runner pods take runs."


def test_a_pool_is_not_ready_while_old_pods_are_replaced() -> None:
    assert readiness(build(replace(ALL_READY, updated=1))) == ("False", "RunnersStarting")


def test_counts_of_an_older_spec_do_not_make_ready() -> None:
    assert readiness(build(replace(ALL_READY, is_observed=False))) == ("False", "RunnersStarting")


def test_the_platforms_reason_is_passed_on() -> None:
    status = build(RunnerCounts(is_observed=True, trouble=("FailedCreate", "exceeded quota: small")))
    assert readiness(status) == ("False", "FailedCreate")
    assert status.conditions[0].message == "0 of 2 runner pods take runs. exceeded quota: small"


def test_a_pool_of_no_pods_is_ready_at_once() -> None:
    status = build_pool_status(make_pool(replicas=0), RunnerCounts(is_observed=True), NOW)
    assert readiness(status) == ("True", "RunnersReady")


def test_a_refusal_keeps_the_last_counts() -> None:
    pool = make_pool(replicas=2).model_copy(update={"status": build(ALL_READY)})
    status = build_refused_status(pool, "exceeded quota: small", NOW)
    assert readiness(status) == ("False", "Refused")
    assert (status.replicas, status.ready) == (2, 2)


WITH_VALUES = PoolValues(mounted=(ValueRef(Origin.SECRET, "payment", "api-key"),))


def pending(counts: RunnerCounts, values: PoolValues) -> list[tuple[str, str]]:
    status = build_pool_status(make_pool(replicas=2), counts, NOW, values)
    return [(each.status, each.reason) for each in status.conditions if each.type == "SecretsPending"]


def test_a_pool_without_values_has_no_word_of_them() -> None:
    assert pending(ALL_READY, PoolValues()) == []


def test_values_are_pending_until_no_pod_is_without_them() -> None:
    assert pending(replace(ALL_READY, is_observed=False), WITH_VALUES) == [("True", "RunnersStarting")]
    assert pending(replace(ALL_READY, updated=1), WITH_VALUES) == [("True", "RunnersStarting")]
    assert pending(replace(ALL_READY, pods=3), WITH_VALUES) == [("True", "RunnersStarting")]
    assert pending(ALL_READY, WITH_VALUES) == [("False", "Mounted")]


def test_values_that_have_no_room_are_pending_until_there_are_fewer() -> None:
    assert pending(ALL_READY, replace(WITH_VALUES, problem="too many")) == [("True", "TooManyValues")]
