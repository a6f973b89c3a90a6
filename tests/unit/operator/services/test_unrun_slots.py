"""Slots that were not run are told, whoever has recorded them."""

from datetime import timedelta

import pytest

from scriptorium_api.cron_script import CronScript, Miss, MissReason
from scriptorium_operator.context import Context
from scriptorium_operator.services import announcing, cron_scripts
from tests.unit.operator.fakes import NOW, FakeCluster, make_cron_script

COUNTER = "scriptorium_operator_unrun_slots_total"


def make_miss(reason: MissReason, count: int = 1) -> Miss:
    last = NOW + timedelta(minutes=count - 1)
    return Miss(
        outcome=reason.outcome,
        reason=reason,
        message="why",
        scheduled_time=NOW,
        last_scheduled_time=last if count > 1 else None,
        count=count,
    )


def make(*misses: Miss) -> CronScript:
    made = make_cron_script()
    return made.model_copy(update={"status": made.status.model_copy(update={"misses": list(misses)})})


def count(context: Context, outcome: str, reason: str) -> float | None:
    return context.metrics.registry.get_sample_value(COUNTER, {"outcome": outcome, "reason": reason})


@pytest.mark.parametrize(
    ("reason", "type_", "told"),
    [
        (MissReason.OUTAGE, "Warning", "SlotsMissed"),
        (MissReason.DEADLINE_PASSED, "Warning", "SlotsLate"),
        (MissReason.OVERLAP, "Normal", "SlotsSkipped"),
    ],
)
async def test_a_new_record_is_counted_and_told_in_an_event(
    context: Context, cluster: FakeCluster, reason: MissReason, type_: str, told: str
) -> None:
    for cron_script in (make(), make(make_miss(reason)), make(make_miss(reason))):
        cron_scripts.observe(context, cron_script)
    assert count(context, reason.outcome, reason) == 1
    assert len(context.outbox) == 1
    await announcing.announce(context, await context.outbox.get())
    (event,) = cluster.events
    assert (event["type"], event["reason"]) == (type_, told)
    assert event["message"] == f"slot 2026-01-01T12:00:00Z not run, {reason}: why"
    assert (event["involvedObject"]["kind"], event["involvedObject"]["uid"]) == ("CronScript", "c1")


async def test_a_record_that_grew_is_told_by_what_it_grew(context: Context, cluster: FakeCluster) -> None:
    for number in (2, 5):
        cron_scripts.observe(context, make(make_miss(MissReason.OUTAGE, number)))
    assert count(context, "Missed", "Outage") == 3
    await announcing.announce(context, await context.outbox.get())
    assert cluster.events[0]["message"].startswith("3 slots up to 2026-01-01T12:04:00Z not run")


def test_what_a_suspension_skips_is_counted_only(context: Context) -> None:
    for cron_script in (make(), make(make_miss(MissReason.SUSPENDED, 4))):
        cron_scripts.observe(context, cron_script)
    assert count(context, "Skipped", "Suspended") == 4
    assert len(context.outbox) == 0


def test_what_was_recorded_before_the_operator_started_is_no_news(context: Context) -> None:
    cron_scripts.observe(context, make(make_miss(MissReason.OUTAGE)))
    assert count(context, "Missed", "Outage") is None
    assert len(context.outbox) == 0


def test_a_replica_that_stands_by_tells_nothing_and_has_seen_it(context: Context) -> None:
    cron_scripts.observe(context, make())
    context.leadership.hold(float("-inf"))
    cron_scripts.observe(context, make(make_miss(MissReason.OUTAGE)))
    context.leadership.hold(0.0)
    cron_scripts.observe(context, make(make_miss(MissReason.OUTAGE)))
    assert len(context.outbox) == 0
