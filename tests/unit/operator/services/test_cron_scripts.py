from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api import names
from scriptorium_api.conditions import Condition
from scriptorium_api.cron_script import CronScript
from scriptorium_api.reasons import Phase, Reason
from scriptorium_operator.context import Context
from scriptorium_operator.errors import ClusterRefused, Outdated
from scriptorium_operator.facts import Key, Kind, Manifest
from scriptorium_operator.services import cron_scripts
from tests.unit.operator.fakes import (
    NOW,
    Clock,
    FakeCluster,
    make_cron_run,
    make_cron_script,
    make_ended,
    make_notice,
    make_pool,
    make_script,
)

KEY = Key(Kind.CRON_SCRIPT, "team", "nightly")
CRON_JOB = Key(Kind.CRON_JOB, "team", names.cron_job_name("nightly"))
INLINE = Key(Kind.SCRIPT, "team", names.inline_script_name("nightly"))
DEPLOYMENT = Key(Kind.DEPLOYMENT, "team", "scriptorium-runner-default")
PAYMENT = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "payment", "key": "api-key"}}}


@pytest.fixture(autouse=True)
def _surroundings(context: Context, cluster: FakeCluster) -> None:
    """A namespace with a pool and a Script, of which everything has been told."""
    context.inventory.in_sync.add(Kind.EXECUTION)
    cluster.put(make_pool())
    cluster.put(make_script())
    cluster.objects[DEPLOYMENT] = {}


def live(cluster: FakeCluster) -> CronScript:
    return CronScript.from_wire(cluster.objects[KEY])


def condition(cluster: FakeCluster, kind: str) -> Condition:
    return next(each for each in live(cluster).status.conditions if each.type == kind)


def own(manifest: Manifest, kind: str, uid: str) -> Manifest:
    """Give the object as another's: collected with that one."""
    owner = {"kind": kind, "name": "nightly", "uid": uid, "controller": True}
    return manifest | {"metadata": manifest["metadata"] | {"ownerReferences": [owner]}}


def alter(cluster: FakeCluster, **spec: Any) -> None:
    """Put the CronScript with another spec, and the status that it has."""
    changed = make_cron_script(**spec)
    cluster.put(changed.model_copy(update={"status": live(cluster).status}))


async def test_a_schedule_gets_its_cron_job_and_one_status(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["apply CronJob", "status CronScript"]
    assert condition(cluster, "Ready").status == "True"
    assert live(cluster).status.observed_generation == 3


async def test_a_schedule_that_is_as_it_should_be_costs_no_write(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    clock.advance(hours=1)
    await cron_scripts.reconcile(context, KEY)
    context.cron_runs.written.clear()
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["apply CronJob", "status CronScript"]


async def test_a_cron_job_that_somebody_changed_is_mended(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    cluster.objects[CRON_JOB]["spec"] |= {"schedule": "* * * * *"}
    cluster.writes.clear()
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["apply CronJob"]
    assert cluster.objects[CRON_JOB]["spec"]["schedule"] == "0 3 * * *"


async def test_a_cron_job_that_is_anothers_is_not_taken(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    cluster.objects[CRON_JOB] = own(cluster.objects[CRON_JOB], "Workflow", "w1")
    alter(cluster, schedule="5 3 * * *")
    cluster.writes.clear()
    with pytest.raises(ClusterRefused):
        await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["status CronScript"]
    assert condition(cluster, "Ready").reason == "Refused"
    assert "belongs to Workflow nightly" in condition(cluster, "Ready").message
    assert condition(cluster, "ScriptFound").status == "True"


async def test_the_cron_job_of_a_former_schedule_of_that_name_is_left_to_be_collected(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    cluster.objects[CRON_JOB] = own(cluster.objects[CRON_JOB], "CronScript", "c0")
    alter(cluster, schedule="5 3 * * *")
    cluster.writes.clear()
    with pytest.raises(Outdated):
        await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == []


async def test_a_refusal_is_told_once_and_tried_again(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_cron_script())
    cluster.refusals[Kind.CRON_JOB] = ClusterRefused("exceeded quota: small")
    for _ in range(2):
        with pytest.raises(ClusterRefused):
            await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "Ready").message == "exceeded quota: small"
    assert cluster.writes == ["status CronScript"]


async def test_the_pool_that_protects_the_pods_comes_first(context: Context, cluster: FakeCluster) -> None:
    del cluster.objects[DEPLOYMENT]
    cluster.put(make_cron_script())
    assert await cron_scripts.reconcile(context, KEY) == cron_scripts.POOL_SECONDS
    assert condition(cluster, "Ready").reason == "PoolStarting"
    cluster.objects[DEPLOYMENT] = {}
    await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "Ready").status == "True"
    assert CRON_JOB in cluster.objects


async def test_before_all_runs_are_told_nothing_is_said_of_them(
    context: Context, cluster: FakeCluster
) -> None:
    context.inventory.in_sync.discard(Kind.EXECUTION)
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == []


async def test_a_missing_script_is_told_and_its_slots_fire_all_the_same(
    context: Context, cluster: FakeCluster
) -> None:
    del cluster.objects[Key(Kind.SCRIPT, "team", "hello")]
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "ScriptFound").status == "False"
    assert condition(cluster, "Ready").reason == "ScriptNotFound"
    assert CRON_JOB in cluster.objects
    cluster.put(make_script())
    await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "ScriptFound").status == "True"
    assert condition(cluster, "Ready").status == "True"


async def test_pods_mount_what_the_script_names_by_now(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    cluster.put(make_script(spec={"source": "return 1", "env": [PAYMENT]}))
    await cron_scripts.reconcile(context, KEY)
    pod = cluster.objects[CRON_JOB]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert any("payment" in str(volume) for volume in pod["volumes"])


async def test_a_script_that_cannot_run_makes_its_schedule_not_ready(
    context: Context, cluster: FakeCluster
) -> None:
    bad = Condition(
        type="Ready", status="False", message="SyntaxError: at 3:14", last_transition_time=context.now()
    )
    script = make_script()
    status = script.status.model_copy(update={"conditions": [bad]})
    cluster.put(script.model_copy(update={"status": status}))
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "Ready").reason == "ScriptNotReady"
    assert "SyntaxError: at 3:14" in condition(cluster, "Ready").message


async def test_suspending_is_told_and_there_is_no_next_slot(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert live(cluster).status.next_schedule_time is not None
    alter(cluster, suspend=True)
    await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "Suspended").status == "True"
    assert condition(cluster, "Ready").reason == "Suspended"
    assert live(cluster).status.next_schedule_time is None
    assert cluster.objects[CRON_JOB]["spec"]["suspend"]


async def test_an_inline_script_is_owned_and_follows_its_schedule(
    context: Context, cluster: FakeCluster
) -> None:
    for source in ("return 1", "return 2"):
        cluster.put(make_cron_script(script={"source": source}))
        await cron_scripts.reconcile(context, KEY)
        assert cluster.objects[INLINE]["spec"]["source"] == source
    (owner,) = cluster.objects[INLINE]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("CronScript", "c1", True)
    assert condition(cluster, "ScriptFound").status == "True"
    assert context.script_users.list_users("team", INLINE.name) == (KEY,)


async def test_an_inline_script_goes_when_the_schedule_runs_another(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_cron_script(script={"source": "return 1"}))
    await cron_scripts.reconcile(context, KEY)
    cluster.objects[INLINE]["metadata"]["uid"] = "s2"
    context.inventory.note_user(make_notice(Kind.SCRIPT, INLINE.name))
    alter(cluster, scriptRef={"name": "hello"})
    await cron_scripts.reconcile(context, KEY)
    assert INLINE not in cluster.objects


async def test_a_users_script_of_that_name_is_never_removed(context: Context, cluster: FakeCluster) -> None:
    cluster.put(make_script(name=INLINE.name))
    context.inventory.note_user(make_notice(Kind.SCRIPT, INLINE.name))
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert INLINE in cluster.objects


async def test_slots_that_the_pool_runs_have_no_cron_job(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    alter(cluster, executor="Pool")
    await retire(context, cluster, clock)
    assert CRON_JOB not in cluster.objects


async def retire(context: Context, cluster: FakeCluster, clock: Clock, **status: Any) -> None:
    """Have the operator look until it would remove the CronJob, of whose Jobs its controller says this."""
    for _ in range(3):
        after = await cron_scripts.reconcile(context, KEY)
        assert after is not None
        clock.advance(seconds=min(after, cron_scripts.RETIRING_SECONDS))
        if CRON_JOB in cluster.objects:
            given = cluster.objects[CRON_JOB]["metadata"] | {"uid": "j1"}
            cluster.objects[CRON_JOB] = cluster.objects[CRON_JOB] | {"metadata": given, "status": status}


async def test_a_cron_job_that_was_just_suspended_stays_until_its_last_job_is_told(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    alter(cluster, executor="Pool")
    for _ in range(3):
        await cron_scripts.reconcile(context, KEY)
        clock.advance(seconds=1)
    assert CRON_JOB in cluster.objects


async def test_a_job_that_goes_on_when_the_pool_takes_over_keeps_its_cron_job_which_fires_no_more(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    alter(cluster, executor="Pool")
    await retire(context, cluster, clock, active=[{"name": "nightly-1"}])
    assert cluster.objects[CRON_JOB]["spec"]["suspend"] is True
    assert "delete CronJob" not in cluster.writes
    await retire(context, cluster, clock)
    assert CRON_JOB not in cluster.objects


async def test_a_run_that_was_started_by_hand_goes_on_when_the_pool_takes_over(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    context.cron_runs.note(make_cron_run("by-hand", minutes=-1, slot=None, job="mine", **RUNNING))
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    alter(cluster, executor="Pool")
    await retire(context, cluster, clock)
    assert CRON_JOB in cluster.objects


async def test_a_cron_job_that_fires_no_more_has_no_slots_that_were_skipped(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script(schedule="* * * * *"))
    await cron_scripts.reconcile(context, KEY)
    alter(cluster, schedule="* * * * *", executor="Pool")
    await retire(context, cluster, clock, active=[{"name": "nightly-1"}])
    before = live(cluster).status
    clock.advance(hours=1)
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.skipped_runs, status.accounted_until) == (0, before.accounted_until)


async def test_what_somebody_made_of_the_cron_job_falsifies_no_record(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script(schedule="0 * * * *"))
    await cron_scripts.reconcile(context, KEY)
    cluster.objects[CRON_JOB]["spec"] |= {"schedule": "* * * * *", "suspend": True}
    clock.advance(minutes=45)
    await cron_scripts.reconcile(context, KEY)
    assert live(cluster).status.misses == []
    assert cluster.objects[CRON_JOB]["spec"]["suspend"] is False


async def test_an_unknown_time_zone_is_told_and_makes_no_cron_job(
    context: Context, cluster: FakeCluster
) -> None:
    cluster.put(make_cron_script(timeZone="Europe/Nowhere"))
    await cron_scripts.reconcile(context, KEY)
    assert condition(cluster, "Ready").reason == "ScheduleInvalid"
    assert "Europe/Nowhere" in condition(cluster, "Ready").message
    assert cluster.writes == ["status CronScript"]


async def test_the_status_tells_of_the_runs(context: Context, cluster: FakeCluster) -> None:
    first, second = (
        make_cron_run("a", minutes=-120),
        make_cron_run("b", minutes=-60, phase=Phase.FAILED, reason=Reason.SCRIPT_ERROR),
    )
    third = make_cron_run(
        "c", minutes=-1, phase=Phase.RUNNING, reason=Reason.RUNNING, completed=None, is_unfinished=True
    )
    for run in (first, second, third):
        context.cron_runs.note(run)
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert status.active == 1
    assert status.last_schedule_time == third.slot
    assert status.last_successful_time == first.completed
    assert status.last_execution is not None
    assert (status.last_execution.name, status.last_execution.phase) == ("c", Phase.RUNNING)


RUNNING: dict[str, Any] = {
    "phase": Phase.RUNNING,
    "reason": Reason.RUNNING,
    "completed": None,
    "is_unfinished": True,
}


async def test_of_a_catch_up_the_latest_slot_counts_and_the_latest_run(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    clock.advance(minutes=30)
    for number in range(3):
        # The slots of an outage, run one after another when it is over.
        made = clock() + timedelta(seconds=number)
        end = {"completed": made + timedelta(milliseconds=500), "created": made}
        context.cron_runs.note(make_cron_run(f"late-{number}", minutes=number, **end))
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.active, status.last_schedule_time) == (0, NOW + timedelta(minutes=2))
    assert status.last_successful_time == clock() + timedelta(seconds=2.5)
    assert status.last_execution is not None
    assert status.last_execution.name == "late-2"


async def test_a_run_that_was_started_by_hand_is_the_last_one_and_of_no_slot(
    context: Context, cluster: FakeCluster
) -> None:
    context.cron_runs.note(make_cron_run("slot", minutes=-60))
    context.cron_runs.note(make_cron_run("by-hand", minutes=-1, slot=None, **RUNNING))
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.active, status.last_schedule_time) == (1, NOW - timedelta(minutes=60))
    assert status.last_execution is not None
    assert (status.last_execution.name, status.last_execution.scheduled_time) == ("by-hand", None)


async def test_runs_of_the_pool_are_counted_as_those_of_jobs_are(
    context: Context, cluster: FakeCluster
) -> None:
    first = make_cron_run("a", minutes=-2)
    context.cron_runs.note(first)
    second = make_cron_run("b", minutes=-1, **RUNNING)
    context.cron_runs.note(second)
    cluster.put(make_cron_script(executor="Pool"))
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.active, status.last_schedule_time) == (1, second.slot)
    assert status.last_successful_time == first.completed


async def test_runs_of_a_former_schedule_of_that_name_do_not_count(
    context: Context, cluster: FakeCluster
) -> None:
    context.cron_runs.note(make_cron_run(minutes=-1, owner="c0", is_unfinished=True))
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.active, status.last_schedule_time, status.last_execution) == (0, None, None)


async def test_a_run_is_kept_until_the_status_says_that_its_slot_is_judged(
    context: Context, cluster: FakeCluster
) -> None:
    made = make_cron_script(successfulRunsHistoryLimit=0)
    cron_scripts.observe(context, made)
    context.history.note(make_ended(cron_script="nightly", slot=NOW))
    assert context.history.doom(NOW, lambda _: True) == 0
    judged = made.status.model_copy(update={"accounted_until": NOW})
    cron_scripts.observe(context, made.model_copy(update={"status": judged}))
    assert context.history.doom(NOW, lambda _: True) == 1


async def test_what_runs_told_that_are_gone_stays(context: Context, cluster: FakeCluster) -> None:
    run = make_cron_run(minutes=-60)
    context.cron_runs.note(run)
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    context.cron_runs.forget(run.uid)
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.last_schedule_time, status.last_successful_time) == (run.slot, run.completed)
    assert status.last_execution is not None


async def test_what_runs_tell_is_written_ten_seconds_apart(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    cluster.writes.clear()
    context.cron_runs.note(make_cron_run(minutes=-1))
    clock.advance(seconds=4)
    assert await cron_scripts.reconcile(context, KEY) == 6
    assert cluster.writes == []
    clock.advance(seconds=6)
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["status CronScript"]


async def test_a_schedule_is_looked_at_again_when_its_next_slot_has_passed(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script(schedule="30 12 * * *"))
    seconds = await cron_scripts.reconcile(context, KEY)
    assert seconds == 30 * 60 + 1
    former = live(cluster).status.next_schedule_time
    clock.advance(seconds=seconds)
    await cron_scripts.reconcile(context, KEY)
    assert former is not None
    assert live(cluster).status.next_schedule_time == former.replace(day=former.day + 1)


async def test_a_schedule_that_is_gone_is_forgotten(context: Context, cluster: FakeCluster) -> None:
    cron_scripts.observe(context, make_cron_script())
    await cron_scripts.reconcile(context, KEY)
    assert context.script_users.list_users("team", "hello") == ()
    assert cluster.writes == []


async def test_a_schedule_that_goes_on_first_tells_what_was_skipped(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    hourly = {"schedule": "0 * * * *"}
    cluster.put(make_cron_script(suspend=True, **hourly))
    await cron_scripts.reconcile(context, KEY)
    clock.advance(hours=2, minutes=30)
    alter(cluster, **hourly)
    cluster.writes.clear()
    assert await cron_scripts.reconcile(context, KEY) == 0
    assert cluster.writes == ["status CronScript"]
    assert cluster.objects[CRON_JOB]["spec"]["suspend"]
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["status CronScript", "apply CronJob", "status CronScript"]
    assert not cluster.objects[CRON_JOB]["spec"]["suspend"]
    status = live(cluster).status
    assert (status.skipped_runs, status.accounted_until) == (2, clock())
    assert condition(cluster, "Ready").status == "True"


async def test_while_suspended_it_is_told_now_and_then_what_is_skipped(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script(schedule="* * * * *", suspend=True))
    seconds = await cron_scripts.reconcile(context, KEY)
    assert seconds == 600
    clock.advance(seconds=seconds)
    await cron_scripts.reconcile(context, KEY)
    status = live(cluster).status
    assert (status.skipped_runs, len(status.misses)) == (10, 1)


async def test_slots_with_runs_are_marked_as_judged_with_what_else_there_is_to_tell(
    context: Context, cluster: FakeCluster, clock: Clock
) -> None:
    cluster.put(make_cron_script(schedule="* * * * *"))
    await cron_scripts.reconcile(context, KEY)
    cluster.writes.clear()
    run = make_cron_run(minutes=1)
    clock.advance(minutes=1)
    context.cron_runs.note(run)
    await cron_scripts.reconcile(context, KEY)
    assert cluster.writes == ["status CronScript"]
    assert live(cluster).status.accounted_until == run.slot
