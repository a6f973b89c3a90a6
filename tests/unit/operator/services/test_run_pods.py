from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api.execution import Attempt, ExecutionStatus, Holder
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.context import Context
from scriptorium_operator.decide.run_pods import WAITING_SECONDS
from scriptorium_operator.facts import Key, Kind, OwnPod, RunPod, Trouble
from scriptorium_operator.services import following, run_pods
from scriptorium_operator.settings import RunnerSettings, Settings
from tests.support.makers import make_execution
from tests.unit.operator.fakes import (
    NOW,
    Clock,
    FakeCluster,
    make_cron_script,
    make_notice,
    make_pool,
    make_script,
)

KEY = Key(Kind.EXECUTION, "team", "run-1")
JOB = Key(Kind.JOB, "team", "scriptorium-run-run-1-1")
DEPLOYMENT = Key(Kind.DEPLOYMENT, "team", "scriptorium-runner-default")


def put(cluster: FakeCluster, status: ExecutionStatus | None = None, **spec: Any) -> None:
    cluster.put(make_execution(status=status, created=NOW, isolation="Pod", **spec))
    cluster.put(make_script())
    cluster.put(make_pool())
    cluster.objects[DEPLOYMENT] = {}


async def test_a_run_gets_one_job(context: Context, cluster: FakeCluster) -> None:
    put(cluster)
    assert await run_pods.reconcile(context, KEY) == WAITING_SECONDS
    cluster.run_pods[JOB.name] = RunPod(job_uid="j", is_over=False, trouble=None)
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["create Job"]


async def test_a_run_in_the_pool_gets_none(context: Context, cluster: FakeCluster) -> None:
    put(cluster)
    cluster.put(make_execution(created=NOW))
    assert await run_pods.reconcile(context, KEY) is None
    assert cluster.writes == []


async def test_the_pool_that_protects_the_pod_comes_first(context: Context, cluster: FakeCluster) -> None:
    put(cluster)
    del cluster.objects[DEPLOYMENT]
    assert await run_pods.reconcile(context, KEY) == run_pods.POOL_SECONDS
    assert cluster.writes == []


async def test_a_suspended_script_makes_no_pods(context: Context, cluster: FakeCluster) -> None:
    put(cluster)
    cluster.put(make_script(spec={"source": "return 1", "suspend": True}))
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == []


async def test_where_scripts_are_switched_off_no_pods_are_made(
    context: Context, cluster: FakeCluster
) -> None:
    put(cluster)
    runner = RunnerSettings(image="example.org/scriptorium:1", sandbox=(("SCRIPTS_ENABLED", "false"),))
    switched_off = replace(context, settings=Settings(runner=runner))
    await run_pods.reconcile(switched_off, KEY)
    assert cluster.writes == []


async def test_the_job_has_the_time_that_the_run_has(context: Context, cluster: FakeCluster) -> None:
    put(cluster, timeoutSeconds=5, startDeadlineSeconds=60)
    await run_pods.reconcile(context, KEY)
    assert cluster.objects[JOB]["spec"]["activeDeadlineSeconds"] == 60 + 5 + 60 + 60


async def test_the_job_keeps_scripts_from_the_api_server(context: Context, cluster: FakeCluster) -> None:
    put(cluster)
    await run_pods.reconcile(context, KEY)
    (container,) = cluster.objects[JOB]["spec"]["template"]["spec"]["containers"]
    told = {"name": "SCRIPTORIUM_HTTP_DENIED_ADDRESSES", "value": "10.0.0.1"}
    assert told in container["env"]


async def test_a_pod_that_cannot_start_ends_its_run_and_its_job_goes(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put(cluster, status=ExecutionStatus(message="told"))
    cluster.objects[JOB] = {}
    cluster.run_pods[JOB.name] = RunPod(job_uid="j", is_over=False, trouble=Trouble("FailedCreate", "full"))
    clock.advance(seconds=301)
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["status ScriptExecution", "delete Job"]
    status = cluster.objects[KEY]["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodFailed")
    assert "FailedCreate: full" in status["message"]


async def test_a_pod_that_was_killed_leaves_its_job_for_its_log(
    context: Context, cluster: FakeCluster
) -> None:
    holder = Holder(pod="p", uid="u", start_id="s")
    put(cluster, status=ExecutionStatus(phase=Phase.RUNNING, reason=Reason.RUNNING, attempt=1, runner=holder))
    cluster.run_pods[JOB.name] = RunPod(job_uid="j", is_over=True, trouble=Trouble("OOMKilled"))
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["status ScriptExecution"]


async def test_the_job_of_an_attempt_that_was_settled_before_a_restart_goes(
    context: Context, cluster: FakeCluster
) -> None:
    attempts = [Attempt(number=1, reason=Reason.POD_FAILED)]
    ended = ExecutionStatus(phase=Phase.FAILED, reason=Reason.POD_FAILED, attempt=1, attempts=attempts)
    put(cluster, status=ended)
    cluster.run_pods[JOB.name] = RunPod(job_uid="j", is_over=False, trouble=None)
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["delete Job"]


async def test_a_retry_is_looked_at_when_it_is_due(context: Context, cluster: FakeCluster) -> None:
    due = NOW + timedelta(seconds=40)
    put(cluster, status=ExecutionStatus(reason=Reason.RETRYING, next_attempt_time=due))
    assert await run_pods.reconcile(context, KEY) == 40


async def test_a_run_is_looked_at_again_when_its_script_comes(context: Context) -> None:
    following.take(context, make_notice(Kind.EXECUTION, "run-1", own_pod=OwnPod("hello")))
    following.take(context, make_notice(Kind.SCRIPT, "hello"))
    following.take(context, make_notice(Kind.EXECUTION, "run-1", is_gone=True))
    following.take(context, make_notice(Kind.SCRIPT, "hello"))
    assert context.work.added.count(KEY) == 2  # type: ignore[attr-defined]


async def test_a_run_is_looked_at_again_when_its_job_changes(context: Context) -> None:
    following.take(context, make_notice(Kind.JOB, "scriptorium-run-run-1-1", owner="run-1"))
    assert KEY in context.work.added  # type: ignore[attr-defined]


#: A later slot's Job made the run, as it does in a catch-up.
SLOT_JOB = "nightly-e50478c7f1-29454122"
FIRED: dict[str, Any] = {
    "firedBy": {"cronScript": "nightly", "scheduledTime": NOW.isoformat(), "job": SLOT_JOB}
}
BY_HAND: dict[str, Any] = {"firedBy": {"cronScript": "nightly", "job": SLOT_JOB}}
ALIVE = RunPod(job_uid="j", is_over=False, trouble=None, is_running=True)
STUCK = RunPod(job_uid="j", is_over=False, trouble=Trouble("ErrImagePull", "no such image"))
LOST = RunPod(job_uid="j", is_over=True, trouble=Trouble("OOMKilled"))


def running(attempt: int) -> ExecutionStatus:
    holder = Holder(pod="p", uid="u", start_id="s")
    ended = [Attempt(number=number, reason=Reason.POD_FAILED) for number in range(1, attempt)]
    return ExecutionStatus(
        phase=Phase.RUNNING, reason=Reason.RUNNING, attempt=attempt, attempts=ended, runner=holder
    )


@pytest.mark.parametrize("fired", [FIRED, BY_HAND])
async def test_a_run_that_a_schedules_job_made_has_its_pod_already(
    context: Context, cluster: FakeCluster, fired: dict[str, Any]
) -> None:
    put(cluster, **fired)
    cluster.run_pods[SLOT_JOB] = ALIVE
    assert await run_pods.reconcile(context, KEY) == WAITING_SECONDS
    assert cluster.writes == []


@pytest.mark.parametrize("fired", [FIRED, BY_HAND])
async def test_the_run_of_a_schedules_job_whose_pod_was_killed_says_so(
    context: Context, cluster: FakeCluster, fired: dict[str, Any]
) -> None:
    put(cluster, status=running(1), **fired)
    cluster.run_pods[SLOT_JOB] = LOST
    await run_pods.reconcile(context, KEY)
    status = cluster.objects[KEY]["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodFailed")
    assert "OOMKilled" in status["message"]


async def test_a_run_whose_schedules_job_is_gone_ends_and_waits_for_nothing(
    context: Context, cluster: FakeCluster
) -> None:
    put(cluster, **FIRED)
    await run_pods.reconcile(context, KEY)
    status = cluster.objects[KEY]["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodFailed")
    assert "Gone" in status["message"]
    assert cluster.writes == ["status ScriptExecution"]


async def test_a_run_whose_schedules_job_is_gone_is_tried_again_in_another_pod(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put(cluster, retry={"limit": 1}, **FIRED)
    await run_pods.reconcile(context, KEY)
    assert cluster.objects[KEY]["status"]["reason"] == "Retrying"
    clock.advance(seconds=60)
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["status ScriptExecution", "create Job"]
    assert Key(Kind.JOB, "team", "scriptorium-run-run-1-2") in cluster.objects


async def test_the_pod_of_a_slot_makes_all_attempts_as_long_as_it_lives(
    context: Context, cluster: FakeCluster
) -> None:
    attempts = [Attempt(number=1, reason=Reason.SCRIPT_ERROR)]
    waiting = ExecutionStatus(reason=Reason.RETRYING, attempt=1, attempts=attempts, next_attempt_time=NOW)
    put(cluster, status=waiting, retry={"limit": 1}, **FIRED)
    cluster.run_pods[SLOT_JOB] = ALIVE
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == []


async def test_an_attempt_after_the_pod_of_a_slot_was_lost_has_another(
    context: Context, cluster: FakeCluster
) -> None:
    attempts = [Attempt(number=1, reason=Reason.POD_FAILED, runner="p")]
    waiting = ExecutionStatus(reason=Reason.RETRYING, attempt=1, attempts=attempts, next_attempt_time=NOW)
    put(cluster, status=waiting, retry={"limit": 1}, **FIRED)
    cluster.run_pods[SLOT_JOB] = LOST
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["create Job"]
    assert Key(Kind.JOB, "team", "scriptorium-run-run-1-2") in cluster.objects


async def test_the_job_of_a_slot_whose_pod_never_started_goes_with_the_attempt(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put(cluster, status=ExecutionStatus(message="told"), **FIRED)
    cluster.run_pods[SLOT_JOB] = STUCK
    clock.advance(seconds=301)
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["status ScriptExecution", "delete Job"]
    assert "ErrImagePull: no such image" in cluster.objects[KEY]["status"]["message"]


async def test_a_cancelled_run_leaves_the_pod_alone_that_may_have_other_slots_to_run(
    context: Context, cluster: FakeCluster
) -> None:
    cancelled = ExecutionStatus(phase=Phase.CANCELLED, reason=Reason.CANCELLED)
    put(cluster, status=cancelled, **FIRED)
    cluster.run_pods[SLOT_JOB] = ALIVE
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == []
    cluster.run_pods[SLOT_JOB] = STUCK
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["delete Job"]


async def test_a_schedules_run_with_a_pod_of_its_own_that_no_job_made_gets_one(
    context: Context, cluster: FakeCluster
) -> None:
    put(cluster, firedBy={"cronScript": "nightly", "scheduledTime": NOW.isoformat()})
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["create Job"]
    assert JOB in cluster.objects


def put_run_now(cluster: FakeCluster) -> None:
    """Have a run in a pod of its own of what a schedule runs, and all but that schedule."""
    put(cluster)
    execution = make_execution(
        created=NOW, isolation="Pod", scriptRef=None, cronScriptRef={"name": "nightly"}
    )
    cluster.put(execution)


async def test_a_run_of_what_a_schedule_runs_waits_for_it(context: Context, cluster: FakeCluster) -> None:
    put_run_now(cluster)
    assert await run_pods.reconcile(context, KEY) == WAITING_SECONDS
    assert cluster.writes == []


async def test_a_run_of_what_a_schedule_runs_has_its_limits(context: Context, cluster: FakeCluster) -> None:
    put_run_now(cluster)
    cluster.put(make_cron_script(timeoutSeconds=5))
    await run_pods.reconcile(context, KEY)
    assert cluster.writes == ["create Job"]
    assert cluster.objects[JOB]["spec"]["activeDeadlineSeconds"] == 300 + 5 + 60 + 60
