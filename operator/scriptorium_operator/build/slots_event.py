"""The Event on a CronScript of which slots were not run."""

from datetime import datetime

from scriptorium_api.cron_script import Outcome
from scriptorium_operator.build.event import News, build_event
from scriptorium_operator.cron_facts import UnrunSlots
from scriptorium_operator.facts import Manifest


def build_slots_event(slots: UnrunSlots, now: datetime) -> Manifest:
    """Give the Event; what was skipped was asked for, the rest is worth a warning."""
    miss = slots.miss
    news = News(
        subject=slots.key,
        subject_uid=slots.uid,
        mark=f"{slots.uid}-{int(slots.last.timestamp()) // 60}-{miss.reason.lower()}",
        type="Normal" if miss.outcome is Outcome.SKIPPED else "Warning",
        reason=f"Slots{miss.outcome}",
        message=_describe(slots),
    )
    return build_event(news, now)


def _describe(slots: UnrunSlots) -> str:
    last = f"{slots.last:%Y-%m-%dT%H:%M:%SZ}"
    which = f"slot {last}" if slots.count == 1 else f"{slots.count} slots up to {last}"
    return f"{which} not run, {slots.miss.reason}: {slots.miss.message}"
