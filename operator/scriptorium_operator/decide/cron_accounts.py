"""Which slots the operator itself records: those that no pod can, since none is fired for them. Pure.

What a schedule fires is judged by the pod that it fires. But a suspended CronJob fires nothing, and one that
was edited has forgotten what it was before: its slots are judged before it changes.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile

from scriptorium_api import slot_records, slot_verdicts, slots
from scriptorium_api.cron_script import CronScript, CronScriptStatus
from scriptorium_api.schedule import BadSchedule, read_schedule
from scriptorium_api.schedule_problems import UnknownZone, find_zone
from scriptorium_api.slot_verdicts import Facts, Verdict
from scriptorium_operator.cron_facts import Terms


def find_terms(cron_script: CronScript) -> Terms:
    """Give by which terms the schedule is to fire."""
    spec = cron_script.spec
    return Terms(schedule=spec.schedule, time_zone=spec.time_zone, is_suspended=spec.suspend)


def account(
    cron_script: CronScript, former: Terms, known: Iterable[datetime], now: datetime
) -> CronScriptStatus:
    """Give the status with every slot judged that is ours to judge; as it is, if there is none.

    `former` are the terms by which the CronJob fires until now, `known` the slots that have a run.
    """
    wanted = find_terms(cron_script)
    facts = _gather(cron_script, former, known, now)
    if facts is None:
        return cron_script.status
    if former == wanted:
        return (
            _judge_suspended(cron_script, facts) if former.is_suspended else _mark_known(cron_script, facts)
        )
    return _judge_change(cron_script, facts, wanted)


def _gather(cron_script: CronScript, terms: Terms, known: Iterable[datetime], now: datetime) -> Facts | None:
    """Give what is known of the slots by these terms."""
    begun = cron_script.status.accounted_until or cron_script.metadata.creation_timestamp
    if begun is None:
        return None
    try:
        schedule, zone = read_schedule(terms.schedule), find_zone(terms.time_zone)
    except (BadSchedule, UnknownZone):
        return None
    return Facts(
        spec=cron_script.spec.model_copy(update={"suspend": terms.is_suspended}),
        schedule=schedule,
        zone=zone,
        now=now,
        accounted_until=begun,
        known=frozenset(slot for slot in known if slot > begun),
    )


def _judge_suspended(cron_script: CronScript, facts: Facts) -> CronScriptStatus:
    verdict = slot_verdicts.judge_due(facts)
    if verdict.accounted_until == facts.accounted_until:
        return cron_script.status
    return slot_records.record(cron_script.status, facts, verdict)


def _judge_change(cron_script: CronScript, facts: Facts, wanted: Terms) -> CronScriptStatus:
    """Judge what the former terms left; what is past by the new ones only is no slot at all."""
    misses = slot_records.judge_former(facts, cron_script.spec)
    by_new_terms = _gather(cron_script, wanted, (), facts.now)
    has_past = by_new_terms is not None and any(_walk_due(by_new_terms))
    if not (misses or has_past):
        return cron_script.status
    return slot_records.record(cron_script.status, facts, Verdict(misses=misses, accounted_until=facts.now))


def _mark_known(cron_script: CronScript, facts: Facts) -> CronScriptStatus:
    """Mark the slots that have a run as judged, up to the first without: that one is its pod's to judge."""
    marked = list(takewhile(lambda slot: slot in facts.known, _walk_due(facts)))
    if not marked:
        return cron_script.status
    return cron_script.status.model_copy(update={"accounted_until": marked[-1]})


def _walk_due(facts: Facts) -> Iterable[datetime]:
    walk = slots.walk(facts.schedule, facts.zone, facts.accounted_until)
    return takewhile(lambda slot: slot <= facts.now, walk)
