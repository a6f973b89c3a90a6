"""Which Jobs are judged for, and to what their slots come."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from scriptorium_api.cron_script import CronScript, CronScriptStatus, Miss, MissReason
from scriptorium_api.slot_verdicts import find_start
from scriptorium_operator.cron_facts import CronRun
from scriptorium_operator.decide.slot_jobs import Judge, Look, Settle, decide_job, is_settled, plan, record
from scriptorium_operator.facts import RunPod, Trouble
from tests.unit.operator.fakes import NOW, make_cron_run, make_cron_script, make_fired_job

SOON = NOW + timedelta(minutes=1)
JOB = make_fired_job(minutes=1)
NO_IMAGE = Trouble("ErrImagePull", "no such image")


def schedule(status: CronScriptStatus | None = None, **spec: Any) -> CronScript:
    """Give a schedule of each minute, made now."""
    made = make_cron_script(schedule="* * * * *", **spec)
    return made.model_copy(update={"status": status or CronScriptStatus()})


@pytest.mark.parametrize(
    ("pod", "wanted"),
    [
        (None, Settle()),
        (RunPod(job_uid="j", is_over=True, trouble=None), Settle()),
        (RunPod(job_uid="j", is_over=True, trouble=NO_IMAGE), Judge(is_over=True)),
        (RunPod(job_uid=None, is_over=True, trouble=NO_IMAGE), Judge(is_over=True)),
        (RunPod(job_uid="j", is_over=False, trouble=NO_IMAGE), Judge(is_over=False)),
        (RunPod(job_uid="j", is_over=False, trouble=None), Look(10)),
        (RunPod(job_uid="j", is_over=False, trouble=None, is_running=True), Look(300)),
        # On its way out, it may judge its slot still.
        (RunPod(job_uid="j", is_over=False, trouble=NO_IMAGE, is_running=True), Look(300)),
    ],
)
def test_what_is_done_about_a_job(pod: RunPod | None, wanted: object) -> None:
    assert decide_job(JOB, schedule(), pod, SOON) == wanted


def test_a_pod_that_is_slow_is_judged_for_before_the_next_slot_is_fired() -> None:
    slow = RunPod(job_uid="j", is_over=False, trouble=None)
    assert decide_job(JOB, schedule(), slow, JOB.created + timedelta(seconds=35)) == Look(5)
    assert decide_job(JOB, schedule(), slow, JOB.created + timedelta(seconds=40)) == Judge(is_over=False)


def test_a_pod_that_is_slow_has_its_jitter_first() -> None:
    slow = RunPod(job_uid="j", is_over=False, trouble=None)
    late = schedule(jitterSeconds=3000)
    start = find_start(SOON, 3000, late.metadata.uid)
    assert start - SOON > timedelta(seconds=60)
    assert decide_job(JOB, late, slow, start - timedelta(seconds=1)) == Look(1)
    assert decide_job(JOB, late, slow, start) == Judge(is_over=False)


def missed(first: datetime, last: datetime | None = None) -> CronScriptStatus:
    """Give a status that tells of slots that were not run, and was judged no further than now."""
    reason = MissReason.SCHEDULE_CHANGED
    miss = Miss(outcome=reason.outcome, reason=reason, scheduled_time=first, last_scheduled_time=last)
    return CronScriptStatus(accounted_until=NOW, misses=[miss])


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (CronScriptStatus(), False),
        (CronScriptStatus(accounted_until=NOW), False),
        (CronScriptStatus(accounted_until=SOON), True),
        (missed(SOON), True),
        (missed(NOW, SOON), True),
        (missed(NOW), False),
    ],
)
def test_a_slot_is_judged_if_the_status_says_so(status: CronScriptStatus, wanted: bool) -> None:
    assert is_settled(JOB, schedule(status)) is wanted


def test_a_job_that_was_made_by_hand_is_of_no_slot_that_could_be_judged() -> None:
    by_hand = make_fired_job("mine", minutes=1, slot=None)
    assert not is_settled(by_hand, schedule(CronScriptStatus(accounted_until=SOON)))


def test_a_job_is_judged_for_as_of_when_it_was_made_however_late_that_is_seen() -> None:
    judged = plan(schedule(startingDeadlineSeconds=30), [], JOB)
    assert judged is not None
    assert (judged.run, judged.misses, judged.accounted_until) == (SOON, (), SOON)


def test_a_job_that_was_made_too_late_comes_to_nothing() -> None:
    late = make_fired_job(minutes=1, created=SOON + timedelta(seconds=31))
    judged = plan(schedule(startingDeadlineSeconds=30), [], late)
    assert judged is not None
    assert [miss.reason for miss in judged.misses] == [MissReason.DEADLINE_PASSED]
    assert (judged.run, judged.leaves_others) == (None, False)


def unfinished(minutes: float) -> CronRun:
    """Give a run that has not ended."""
    return make_cron_run("going-on", minutes=minutes, is_unfinished=True, completed=None)


def test_of_several_slots_the_jobs_own_is_run_and_none_that_is_left_counts_as_judged() -> None:
    job = make_fired_job(minutes=3)
    judged = plan(schedule(missedRuns="RunAll"), [], job)
    assert judged is not None
    assert (judged.run, judged.leaves_others) == (job.slot, True)
    assert judged.accounted_until < SOON


def test_the_last_of_several_slots_judges_all_that_have_runs() -> None:
    job = make_fired_job(minutes=2)
    judged = plan(schedule(missedRuns="RunAll"), [make_cron_run(minutes=1)], job)
    assert judged is not None
    assert (judged.run, judged.leaves_others, judged.accounted_until) == (job.slot, False, job.slot)


def test_slots_of_an_outage_wait_while_a_run_goes_on() -> None:
    judged = plan(schedule(missedRuns="RunAll"), [unfinished(-5)], make_fired_job(minutes=3))
    assert judged is not None
    assert (judged.run, judged.leaves_others) == (None, True)


def caught_up(seconds_late: float) -> CronRun:
    """Give a run of the slot at NOW that has not ended, and was made so late."""
    created = NOW + timedelta(seconds=seconds_late)
    return make_cron_run("going-on", minutes=0, created=created, is_unfinished=True, completed=None)


def test_a_slot_on_time_waits_while_an_outage_is_caught_up_with() -> None:
    judged = plan(schedule(missedRuns="RunAll"), [caught_up(600)], JOB)
    assert judged is not None
    assert (judged.run, judged.misses, judged.leaves_others) == (None, (), True)


def test_what_is_not_judged_further_changes_no_status() -> None:
    status = CronScriptStatus(accounted_until=SOON)
    assert record(schedule(status), (), NOW) == status
    assert record(schedule(), (), NOW) == CronScriptStatus()
