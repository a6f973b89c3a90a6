"""What a Job's pod does about its slot: each full hour's at noon, judged up to eleven."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from scriptorium_api import cron_runs, names
from scriptorium_api.cron_runs import Firer
from scriptorium_api.cron_script import CronScript, Executor
from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_runner.executions.errors import Unreachable, Vanished
from scriptorium_runner.own_pod import one_slot
from scriptorium_runner.own_pod.one_slot import Means, OneSlot
from scriptorium_runner.settings import SlotWork
from scriptorium_runner.sources.slot_job import SlotJob
from tests.support.makers import NOW
from tests.support.waiting import until_async
from tests.unit.runner.schedules.fakes import ELEVEN, MemoryCalendar, make_cron_script

NOON_RUN = names.slot_run_name("nightly", NOW)


class FindingCalendar(MemoryCalendar):
    """Finds a CronScript by what a pod was told of it."""

    async def find_cron_script(self, name: str, uid: str) -> CronScript:
        current = self.cron_scripts.get(name)
        if current is None or current.metadata.uid != uid:
            raise Vanished("deleted")
        return await self.read_cron_script(current)


@dataclass
class Cluster:
    """A calendar with one CronScript; runs that a pod takes succeed at once."""

    calendar: FindingCalendar
    slot: datetime | None = NOW
    created: datetime = NOW
    schedule: str | None = None
    """The schedule by which the Jobs are fired; None is that of now."""
    now: Callable[[], datetime] = lambda: NOW
    followed: list[str] = field(default_factory=list)

    async def find_job(self, name: str) -> SlotJob:
        return SlotJob(name=name, uid=f"uid-{name}", created=self.created, slot=self.slot)

    async def follow_run(
        self, run: ScriptExecution, _cron_script: CronScript, _stopping: asyncio.Event
    ) -> int:
        self.followed.append(run.metadata.name)
        self.calendar.end_run(run.metadata.name)
        return 0

    async def follow(self, job: str = "job") -> int:
        work = SlotWork(cron_script="nightly", uid="uid-nightly", job=job, schedule=self.schedule)
        slot = OneSlot(self.calendar, Means(self.find_job, self.follow_run, self.now), work)
        async with asyncio.timeout(5):
            return await slot.follow(asyncio.Event())


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "MOST_LOOK_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(one_slot, name, 0.001)


def make_cluster(begin: datetime = ELEVEN, **spec: Any) -> Cluster:
    cron_script = make_cron_script(begin=begin, **({"executor": "Job"} | spec))
    return Cluster(FindingCalendar({"nightly": cron_script}))


async def test_a_slot_is_run_to_its_end() -> None:
    cluster = make_cluster()
    assert await cluster.follow() == 0
    assert cluster.followed == [NOON_RUN]
    assert cluster.calendar.status_of().accounted_until == NOW


async def test_a_slot_is_judged_by_what_was_read_at_the_start() -> None:
    cluster = make_cluster()
    await cluster.follow()
    assert cluster.calendar.calls == [
        *("read_cron_script", "list_runs", "make_run", "record", "list_known_runs")
    ]


@pytest.mark.parametrize("spec", [{"concurrencyPolicy": "Replace"}, {"missedRuns": "RunAll"}])
async def test_where_runs_have_to_be_seen_before_it_is_judged_by_what_is_read_then(
    spec: dict[str, str],
) -> None:
    cluster = make_cluster(**spec)
    await cluster.follow()
    assert cluster.calendar.calls[:3] == ["read_cron_script", "read_cron_script", "list_runs"]


async def test_a_run_that_its_job_made_and_that_comes_to_light_later_is_run() -> None:
    cluster = make_cluster()
    manifest = cron_runs.build_run(make_cron_script(executor="Job"), ELEVEN, Firer("job", "uid-job"))
    cluster.calendar.meanwhile["make_run"] = lambda: cluster.calendar.add_run(manifest, Phase.PENDING)
    assert await cluster.follow() == 0
    assert cluster.followed == [names.slot_run_name("nightly", ELEVEN)]
    assert cluster.calendar.runs[NOON_RUN].status.phase is Phase.CANCELLED


async def test_after_an_outage_a_slot_is_judged_by_what_is_read_then() -> None:
    cluster = make_cluster()
    cluster.calendar.faults["list_runs"] = [Unreachable("nobody answers")]
    cluster.calendar.meanwhile["list_runs"] = lambda: cluster.calendar.edit("nightly", suspend=True)
    assert await cluster.follow() == 0
    assert cluster.calendar.made == []


async def test_a_slot_that_starts_later_is_judged_by_what_is_read_then() -> None:
    cluster = make_cluster(jitterSeconds=3000)
    start = cron_runs.find_start(cluster.calendar.cron_scripts["nightly"], NOW)
    moments = [start - timedelta(milliseconds=1)]

    def now() -> datetime:
        if not moments:
            return start
        cluster.calendar.edit("nightly", suspend=True)
        return moments.pop()

    cluster.now = now
    assert start > NOW
    assert await cluster.follow() == 0
    assert cluster.calendar.made == []


async def test_while_nobody_answers_it_is_tried_again() -> None:
    cluster = make_cluster()
    cluster.calendar.faults["make_run"] = [Unreachable("a quota was changed meanwhile")] * 3
    assert await cluster.follow() == 0
    assert cluster.followed == [NOON_RUN]


async def test_the_slots_of_an_outage_are_run_one_after_another_although_answers_are_lost() -> None:
    cluster = make_cluster(ELEVEN - timedelta(hours=2), missedRuns="RunAll")
    cluster.calendar.faults["record"] = [Unreachable("nobody answers")]
    assert await cluster.follow() == 0
    assert cluster.followed == cluster.calendar.made
    assert cluster.calendar.slots_of() == [NOW - timedelta(hours=hours) for hours in (2, 1, 0)]


async def test_a_run_of_its_slot_that_another_job_made_is_left_to_that_one() -> None:
    cluster = make_cluster()
    theirs = cron_runs.build_run(make_cron_script(executor="Job"), NOW, Firer("other", "uid-other"))
    cluster.calendar.add_run(theirs, Phase.PENDING)
    pod = asyncio.create_task(cluster.follow())
    await until_async(lambda: cluster.calendar.calls.count("list_runs") > 2)
    cluster.calendar.end_run(NOON_RUN)
    assert await pod == 0
    assert cluster.followed == []


async def test_a_slot_of_a_schedule_that_is_the_pools_now_is_left_to_it() -> None:
    cluster = make_cluster()
    cluster.calendar.edit("nightly", executor=Executor.POOL)
    assert await cluster.follow() == 0
    assert (cluster.followed, cluster.calendar.made) == ([], [])


async def test_a_run_by_hand_of_a_schedule_that_is_the_pools_is_made_and_left_to_it() -> None:
    cluster = make_cluster(executor="Pool")
    cluster.slot = None
    assert await cluster.follow() == 0
    assert (len(cluster.calendar.made), cluster.followed) == (1, [])


async def test_a_run_by_hand_is_run() -> None:
    cluster = make_cluster()
    cluster.slot = None
    assert await cluster.follow() == 0
    assert cluster.followed == cluster.calendar.made


async def test_of_a_schedule_that_is_gone_nothing_is_run() -> None:
    cluster = make_cluster()
    cluster.calendar.cron_scripts.clear()
    assert await cluster.follow() == 0
    assert cluster.calendar.made == []


async def test_a_job_of_a_former_schedule_runs_nothing_of_the_past() -> None:
    each_ten = make_cron_script(begin=ELEVEN, schedule="*/10 * * * *", executor="Job")
    cluster = Cluster(FindingCalendar({"nightly": each_ten}), schedule="@hourly")
    assert await cluster.follow() == 0
    assert (cluster.calendar.made, cluster.followed) == ([], [])
    assert [(miss.reason, miss.count) for miss in cluster.calendar.status_of().misses] == [
        ("ScheduleChanged", 1)
    ]
    assert cluster.calendar.status_of().accounted_until == NOW
