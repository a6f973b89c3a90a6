"""Which records of slots that were not run are news. Pure."""

from collections.abc import Iterable, Iterator

from scriptorium_api.cron_script import CronScript, Miss, MissReason
from scriptorium_operator.cron_facts import UnrunSlots
from scriptorium_operator.facts import Key, Kind


def find_news(former: Iterable[Miss], cron_script: CronScript) -> Iterator[UnrunSlots]:
    """Give what the status tells of slots that it did not tell before, each record by what it grew."""
    known = {(miss.reason, miss.scheduled_time): miss.count for miss in former}
    metadata = cron_script.metadata
    for miss in cron_script.status.misses:
        count = miss.count - known.get((miss.reason, miss.scheduled_time), 0)
        if count > 0:
            key = Key(Kind.CRON_SCRIPT, metadata.namespace, metadata.name)
            yield UnrunSlots(key=key, uid=metadata.uid, miss=miss, count=count)


def is_told(slots: UnrunSlots) -> bool:
    """Say whether an Event tells of them: who has suspended a schedule knows that its slots are skipped."""
    return slots.miss.reason is not MissReason.SUSPENDED
