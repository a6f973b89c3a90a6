"""Slots whose pods do not start."""

from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api import cron_runs, names, slot_verdicts
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import CronScript, CronScriptStatus, MissReason
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_operator.context import Context
from scriptorium_operator.cron_facts import FiredJob
from scriptorium_operator.decide.slot_jobs import FIRST_LOOK
from scriptorium_operator.errors import ClusterRefused, ClusterUnavailable, NoRoom, Outdated
from scriptorium_operator.facts import Key, Kind, RunPod, Trouble
from scriptorium_operator.notices import InSync
from scriptorium_operator.services import cron_scripts, following, run_pods, slot_jobs
from tests.support.makers import make_execution
from tests.unit.operator.fakes import (
    NOW,
    Clock,
    FakeCluster,
    RecordedWork,
    make_cron_run,
    make_cron_script,
    make_fired_job,
    make_notice,
    make_pool,
    make_script,
)

SCHEDULE = Key(Kind.CRON_SCRIPT, "team", "nightly")
STUCK = RunPod(job_uid="j", is_over=False, trouble=Trouble("ErrImagePull", "no such image"))
NO_PLACE = RunPod(job_uid="j", is_over=False, trouble=Trouble("FailedCreate", "exceeded quota: small"))
EVICTED = RunPod(job_uid="j", is_over=True, trouble=Trouble("Evicted", "low on memory"))
SUCCEEDED = RunPod(job_uid="j", is_over=True, trouble=None)
ON_ITS_WAY = RunPod(job_uid="j", is_over=False, trouble=None)
AT_WORK = RunPod(job_uid="j", is_over=False, trouble=None, is_running=True)


@pytest.fixture(autouse=True)
def _surroundings(context: Context, cluster: FakeCluster) -> None:
    """A namespace with a pool and a Script, of which everything has been told."""
    context.inventory.in_sync.add(Kind.EXECUTION)
    cluster.put(make_pool())
    cluster.put(make_script())
    cluster.objects[Key(Kind.DEPLOYMENT, "team", "scriptorium-runner-default")] = {}


def put_schedule(cluster: FakeCluster, status: CronScriptStatus | None = None, **spec: Any) -> CronScript:
    """Have a schedule of each minute that was made an hour ago and judged until now."""
    made = make_cron_script(**({"schedule": "* * * * *"} | spec))
    metadata = made.metadata.model_copy(update={"creation_timestamp": NOW - timedelta(hours=1)})
    judged = status or CronScriptStatus(accounted_until=NOW)
    cron_script = made.model_copy(update={"metadata": metadata, "status": judged})
    cluster.put(cron_script)
    return cron_script


def fire(context: Context, cluster: FakeCluster, job: FiredJob, pod: RunPod | None) -> None:
    """Have a Job be told, of which there is this pod."""
    if pod is not None:
        cluster.run_pods[job.key.name] = pod
    following.take(context, make_notice(Kind.JOB, job.key.name, uid=job.uid, fired_job=job))


def status_of(cluster: FakeCluster) -> CronScriptStatus:
    return CronScript.from_wire(cluster.objects[SCHEDULE]).status


def run_of(cluster: FakeCluster, job: FiredJob) -> ScriptExecution | None:
    """Give the run that is made for the slot of a Job."""
    assert job.slot is not None
    name = f"nightly-{int(job.slot.timestamp()) // 60}"
    item = cluster.objects.get(Key(Kind.EXECUTION, "team", name))
    return ScriptExecution.from_wire(item) if item else None


FIRST = make_fired_job(minutes=1)
SECOND = make_fired_job(minutes=2)
BY_HAND = make_fired_job("by-hand", minutes=1, slot=None)
HAND_RUN = names.hand_run_name("nightly", BY_HAND.uid)


@pytest.mark.parametrize("pod", [STUCK, NO_PLACE, EVICTED], ids=["no image", "no room", "evicted"])
async def test_a_slot_whose_pod_does_not_judge_it_gets_its_run(
    context: Context, cluster: FakeCluster, clock: Clock, pod: RunPod
) -> None:
    put_schedule(cluster, input={"days": 1})
    fire(context, cluster, FIRST, pod)
    clock.advance(minutes=1, seconds=11)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    run = run_of(cluster, FIRST)
    assert run is not None
    assert run.spec.fired_by is not None
    assert (run.spec.fired_by.job, run.spec.fired_by.scheduled_time) == (FIRST.key.name, FIRST.slot)
    assert run.spec.input == {"days": 1}
    assert status_of(cluster).accounted_until == FIRST.slot
    assert cluster.writes == ["create ScriptExecution", "status CronScript"]


async def test_a_pod_that_is_slow_loses_no_slot_and_keeps_its_job(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    fire(context, cluster, FIRST, ON_ITS_WAY)
    clock.advance(minutes=1, seconds=30)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    assert run_of(cluster, FIRST) is None
    clock.advance(seconds=12)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    assert run_of(cluster, FIRST) is not None
    assert status_of(cluster).accounted_until == FIRST.slot
    assert cluster.writes == ["create ScriptExecution", "status CronScript"]


async def test_that_run_tells_what_keeps_its_pod_and_ends_for_it(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    fire(context, cluster, FIRST, NO_PLACE)
    clock.advance(minutes=1, seconds=11)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    made = run_of(cluster, FIRST)
    assert made is not None
    key = Key(Kind.EXECUTION, "team", made.metadata.name)
    await run_pods.reconcile(context, key)
    told = cluster.objects[key]["status"]
    assert told.get("phase", "Pending") == "Pending"
    assert told["message"] == "its pod cannot start yet: FailedCreate: exceeded quota: small"
    clock.advance(minutes=6)
    await run_pods.reconcile(context, key)
    ended = cluster.objects[key]["status"]
    assert (ended["phase"], ended["reason"]) == ("Failed", "PodFailed")
    assert "exceeded quota: small" in ended["message"]


async def test_a_healthy_slot_costs_no_request(context: Context, cluster: FakeCluster, clock: Clock) -> None:
    fire(context, cluster, FIRST, AT_WORK)
    cluster.outage = ClusterUnavailable("nobody is asked")
    clock.advance(minutes=1, seconds=1)
    pause = await slot_jobs.reconcile(context, FIRST.cron_job)
    assert pause == 10
    context.cron_runs.note(make_cron_run(minutes=1))
    clock.advance(seconds=10)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) is None
    fire(context, cluster, FIRST, SUCCEEDED)
    assert context.fired_jobs.list_jobs(FIRST.cron_job) == []


@pytest.mark.parametrize(
    ("pod", "pause"), [(ON_ITS_WAY, 10), (AT_WORK, 300), (SUCCEEDED, None), (None, None)]
)
async def test_a_pod_that_may_still_judge_is_left_to_it(
    context: Context, cluster: FakeCluster, clock: Clock, pod: RunPod | None, pause: float | None
) -> None:
    put_schedule(cluster)
    fire(context, cluster, FIRST, pod)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) == pause
    assert cluster.writes == []


async def test_a_slot_that_its_pod_has_judged_is_not_judged_again(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster, CronScriptStatus(accounted_until=FIRST.slot, skipped_runs=1))
    fire(context, cluster, FIRST, EVICTED)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) is None
    assert cluster.writes == []


async def test_a_slot_that_is_not_run_is_recorded_and_its_pod_is_not_waited_for(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    for job in (FIRST, SECOND):
        fire(context, cluster, job, STUCK)
    clock.advance(minutes=2, seconds=11)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    assert run_of(cluster, FIRST) is not None
    assert run_of(cluster, SECOND) is None
    status = status_of(cluster)
    assert [(miss.reason, miss.scheduled_time) for miss in status.misses] == [
        (MissReason.OVERLAP, SECOND.slot)
    ]
    assert status.accounted_until == SECOND.slot
    assert cluster.writes[-1] == "delete Job"


async def test_what_a_slot_replaces_is_cancelled_for_it(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster, concurrencyPolicy="Replace")
    for job in (FIRST, SECOND):
        fire(context, cluster, job, STUCK)
    clock.advance(minutes=2, seconds=11)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    first, second = run_of(cluster, FIRST), run_of(cluster, SECOND)
    assert first is not None
    assert second is not None
    assert first.status.replaced_by == second.metadata.name


@pytest.mark.parametrize("policy", ["Forbid", "Allow"])
async def test_a_run_that_another_slot_was_recorded_before_yields_to_it(
    context: Context,
    cluster: FakeCluster,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    policy: str,
) -> None:
    put_schedule(cluster, concurrencyPolicy=policy)
    fire(context, cluster, FIRST, STUCK)
    clock.advance(minutes=1, seconds=11)

    async def lose(former: CronScript, _status: dict[str, Any]) -> None:
        """The pod of the next slot has judged it, and its record is there first."""
        monkeypatch.undo()
        await cluster.create(cron_runs.build_run(former, SECOND.slot, Firer(SECOND.key.name, SECOND.uid)))
        put_schedule(cluster, CronScriptStatus(accounted_until=SECOND.slot), concurrencyPolicy=policy)
        raise Outdated

    monkeypatch.setattr(cluster, "replace_status", lose)
    with pytest.raises(Outdated):
        await slot_jobs.reconcile(context, FIRST.cron_job)
    first, second = run_of(cluster, FIRST), run_of(cluster, SECOND)
    assert first is not None
    assert second is not None
    assert (first.status.phase is Phase.CANCELLED) is (policy == "Forbid")
    assert not second.is_cancelled


async def test_a_job_made_by_hand_gets_its_run_too(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cron_script = put_schedule(cluster, suspend=True)
    fire(context, cluster, BY_HAND, EVICTED)
    clock.advance(minutes=2)
    await slot_jobs.reconcile(context, BY_HAND.cron_job)
    assert cluster.writes == ["create ScriptExecution"]
    (run,) = await cluster.list_cron_runs(cron_script)
    assert (run.name, run.slot) == (HAND_RUN, None)
    fired_by = cluster.objects[Key(Kind.EXECUTION, "team", HAND_RUN)]["spec"]["firedBy"]
    assert fired_by == {"cronScript": "nightly", "job": "by-hand"}


async def test_a_job_made_by_hand_that_has_its_run_gets_no_other(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    context.cron_runs.note(make_cron_run(HAND_RUN, slot=None))
    fire(context, cluster, BY_HAND, EVICTED)
    clock.advance(minutes=2)
    await slot_jobs.reconcile(context, BY_HAND.cron_job)
    assert cluster.writes == []


async def test_a_pod_that_is_to_wait_for_its_jitter_is_not_judged_for_before(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster, jitterSeconds=59, schedule="*/2 * * * *")
    job = make_fired_job(minutes=4)
    assert job.slot is not None
    start = slot_verdicts.find_start(job.slot, 59, "c1")
    assert start - job.created > FIRST_LOOK
    fire(context, cluster, job, STUCK)
    clock.time = job.created + FIRST_LOOK
    while (pause := await slot_jobs.reconcile(context, job.cron_job)) is not None:
        assert run_of(cluster, job) is None
        clock.advance(seconds=pause)
    assert run_of(cluster, job) is not None
    assert clock() >= start


async def test_of_an_outage_the_slot_of_the_job_is_taken_and_the_others_are_left(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster, missedRuns="RunAll")
    job = make_fired_job(minutes=5)
    fire(context, cluster, job, STUCK)
    clock.advance(minutes=5, seconds=11)
    await slot_jobs.reconcile(context, job.cron_job)
    assert run_of(cluster, job) is not None
    until = status_of(cluster).accounted_until
    assert until is not None
    assert NOW <= until < NOW + timedelta(minutes=1)


async def test_a_slot_that_waits_for_the_end_of_a_run_is_judged_then(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cron_script = put_schedule(cluster, missedRuns="RunAll")
    late = make_fired_job(minutes=5)
    earlier = make_fired_job(minutes=4)
    for job in (earlier, late):
        fire(context, cluster, job, STUCK)
    clock.advance(minutes=5, seconds=11)
    assert await slot_jobs.reconcile(context, late.cron_job) == 30
    assert run_of(cluster, late) is None
    (run,) = await cluster.list_cron_runs(cron_script)
    cluster.objects[Key(Kind.EXECUTION, "team", run.name)]["status"] = {"phase": "Failed"}
    clock.advance(seconds=30)
    await slot_jobs.reconcile(context, late.cron_job)
    assert run_of(cluster, late) is not None


async def test_a_run_that_the_pod_has_made_meanwhile_is_taken_for_ours(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    fire(context, cluster, BY_HAND, STUCK)
    clock.advance(minutes=2)
    await slot_jobs.reconcile(context, BY_HAND.cron_job)
    context.fired_jobs.clear()
    fire(context, cluster, BY_HAND, STUCK)
    assert await slot_jobs.reconcile(context, BY_HAND.cron_job) is None
    assert cluster.writes == ["create ScriptExecution"]


async def test_a_pod_that_has_made_its_run_a_moment_ago_is_left_alone(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cron_script = put_schedule(cluster)
    fire(context, cluster, FIRST, STUCK)
    clock.advance(minutes=1, seconds=11)
    # Of this run the follower has not told yet.
    await cluster.create(cron_runs.build_run(cron_script, FIRST.slot, Firer(FIRST.key.name, FIRST.uid)))
    cluster.writes.clear()
    assert await slot_jobs.reconcile(context, FIRST.cron_job) is None
    assert cluster.writes == []


async def test_a_run_of_that_name_that_is_anothers_is_not_taken_for_the_slots(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    assert FIRST.slot is not None
    name = names.slot_run_name("nightly", FIRST.slot)
    other = make_execution(name)
    cluster.put(other)
    fire(context, cluster, FIRST, EVICTED)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) == 30
    assert cluster.writes == []


async def test_a_slot_for_whose_run_there_is_no_room_is_recorded_as_missed(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    cluster.refusals[Kind.EXECUTION] = NoRoom("exceeded quota: count/scriptexecutions.scriptorium.dev=1")
    fire(context, cluster, FIRST, EVICTED)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) is None
    (miss,) = status_of(cluster).misses
    assert (miss.reason, miss.scheduled_time) == (MissReason.QUOTA_EXCEEDED, FIRST.slot)
    assert "count/scriptexecutions" in miss.message
    assert status_of(cluster).missed_runs == 1


async def test_a_slot_whose_run_is_refused_holds_up_no_other(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    cluster.refusals[Kind.EXECUTION] = ClusterRefused("a policy says no")
    fire(context, cluster, FIRST, EVICTED)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) == 30
    del cluster.refusals[Kind.EXECUTION]
    clock.advance(seconds=30)
    await slot_jobs.reconcile(context, FIRST.cron_job)
    assert run_of(cluster, FIRST) is not None


@pytest.mark.parametrize(
    ("job", "spec"),
    [
        (FIRST, {"executor": "Pool"}),
        (make_fired_job(minutes=1, created=NOW - timedelta(hours=2)), {}),
        (make_fired_job(minutes=600, created=NOW), {}),
        (FIRST, {"timeZone": "Europe/Nowhere"}),
    ],
    ids=["the pool's", "a former schedule's", "of the future", "without a meaning"],
)
async def test_jobs_that_cannot_be_the_schedules_make_no_runs(
    context: Context, cluster: FakeCluster, clock: Clock, job: FiredJob, spec: dict[str, Any]
) -> None:
    put_schedule(cluster, **spec)
    fire(context, cluster, job, EVICTED)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, job.cron_job) is None
    assert cluster.writes == []


async def test_a_schedule_that_is_gone_needs_nothing(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    fire(context, cluster, FIRST, EVICTED)
    clock.advance(minutes=1, seconds=11)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) is None


async def test_before_all_runs_are_told_no_slot_is_judged_and_then_every_job_is_looked_at(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster)
    context.inventory.in_sync.discard(Kind.EXECUTION)
    fire(context, cluster, FIRST, EVICTED)
    clock.advance(minutes=2)
    assert await slot_jobs.reconcile(context, FIRST.cron_job) is None
    assert cluster.writes == []
    context.work.added.clear()  # type: ignore[attr-defined]
    cluster.told = [InSync()]
    await following.follow_kind(context, Kind.EXECUTION)
    assert FIRST.cron_job in context.work.added  # type: ignore[attr-defined]


async def test_a_job_that_is_gone_is_forgotten(context: Context, cluster: FakeCluster) -> None:
    fire(context, cluster, FIRST, EVICTED)
    following.take(context, make_notice(Kind.JOB, FIRST.key.name, uid=FIRST.uid, is_gone=True))
    assert context.fired_jobs.list_jobs(FIRST.cron_job) == []
    assert context.fired_jobs.find_next(FIRST.cron_job) is None


async def test_a_slot_of_a_former_schedule_is_recorded_once(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    put_schedule(cluster, schedule="0 3 * * *")
    for _ in range(2):
        fire(context, cluster, FIRST, EVICTED)
        clock.advance(minutes=2)
        await slot_jobs.reconcile(context, FIRST.cron_job)
        context.fired_jobs.clear()
    assert [miss.reason for miss in status_of(cluster).misses] == [MissReason.SCHEDULE_CHANGED]
    assert status_of(cluster).skipped_runs == 1


@pytest.mark.parametrize(
    ("edit", "recorded"),
    [
        ({"schedule": "* * * * *"}, [(MissReason.SCHEDULE_CHANGED, 1)]),
        ({"schedule": "*/5 * * * *", "suspend": True}, [(MissReason.SUSPENDED, 1)]),
    ],
    ids=["another schedule", "suspended"],
)
async def test_after_an_edit_that_nobody_saw_a_slot_is_judged_by_the_terms_that_fired_it(
    context: Context, cluster: FakeCluster, clock: Clock, edit: dict[str, Any], recorded: list[Any]
) -> None:
    put_schedule(cluster, schedule="*/5 * * * *")
    await cron_scripts.reconcile(context, SCHEDULE)
    put_schedule(cluster, **edit)
    stuck = make_fired_job(minutes=5)
    fire(context, cluster, stuck, STUCK)
    clock.advance(minutes=5, seconds=11)
    cluster.writes.clear()
    assert await slot_jobs.reconcile(context, stuck.cron_job) == 30
    assert cluster.writes == []
    assert isinstance(context.work, RecordedWork)
    assert context.work.added[-1] == SCHEDULE
    while await cron_scripts.reconcile(context, SCHEDULE) == 0:
        pass
    clock.advance(seconds=30)
    await slot_jobs.reconcile(context, stuck.cron_job)
    assert run_of(cluster, stuck) is None
    # Of the minutes between, which are slots of the new schedule alone, nothing is told.
    assert [(miss.reason, miss.count) for miss in status_of(cluster).misses] == recorded
