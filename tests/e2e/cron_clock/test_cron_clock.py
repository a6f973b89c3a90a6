"""Schedules that the CronJob controller fires by its own clock, all of them within the same few minutes."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scriptorium_api import names
from tests.e2e.conftest import Operator
from tests.support.kubectl import Kubectl
from tests.support.manifests import Manifest, cron, script
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]

EACH_MINUTE = "* * * * *"
#: Longer than until the next slot.
LONG = "const end = Date.now() + 80000; while (Date.now() < end) await 0; return 1"
TASHKENT = ZoneInfo("Asia/Tashkent")


def schedule_in(zone: ZoneInfo, minutes: range) -> str:
    """Give a schedule that fires in each of the next minutes by the clocks of a time zone."""
    now = datetime.now(zone)
    times = [now + timedelta(minutes=number) for number in minutes]
    return f"{','.join(str(time.minute) for time in times)} {now.hour},{times[-1].hour} * * *"


@pytest.fixture(scope="module")
def schedules(kubectl: Kubectl) -> Iterator[str]:
    """A namespace in which every schedule of these stories waits for its minute."""
    namespace = f"test-{secrets.token_hex(4)}"
    kubectl.run("create", "namespace", namespace)
    kubectl.apply(script("quick", source="return ctx.execution.scheduledTime"), namespace)
    kubectl.apply(script("long", source=LONG, limits={"timeoutSeconds": 100}), namespace)
    quick, long = {"scriptRef": {"name": "quick"}}, {"scriptRef": {"name": "long"}}
    for name, spec in {
        "each-minute": {"schedule": EACH_MINUTE, "successfulRunsHistoryLimit": 1, **quick},
        "forbid": {"schedule": EACH_MINUTE, **long},
        "replace": {"schedule": EACH_MINUTE, "concurrencyPolicy": "Replace", **long},
        "suspended": {"schedule": EACH_MINUTE, "suspend": True, **quick},
        "tashkent": {"timeZone": "Asia/Tashkent", "schedule": schedule_in(TASHKENT, range(1, 5)), **quick},
    }.items():
        kubectl.apply(cron(name, **spec), namespace)
    yield namespace
    kubectl.run("delete", "namespace", namespace, "--wait=false")


def runs_of(kubectl: Kubectl, namespace: str, cron_script: str) -> list[Manifest]:
    """Give the runs of a schedule by their slots."""
    runs = kubectl.list("scriptexecutions", namespace, "-l", f"{names.CRON_SCRIPT_LABEL}={cron_script}")
    return sorted(runs, key=lambda run: run["spec"]["firedBy"]["scheduledTime"])


def status_of(kubectl: Kubectl, namespace: str, cron_script: str) -> Manifest:
    found = kubectl.get("cronscript", cron_script, namespace) or {}
    status: Manifest = found.get("status", {})
    return status


def end(kubectl: Kubectl, namespace: str, cron_script: str) -> None:
    """End a schedule whose runs are busy, so that those of the others have room."""
    kubectl.run("delete", "cronscript", cron_script, "--namespace", namespace)


def find_ended(kubectl: Kubectl, namespace: str, cron_script: str, phase: str) -> list[Manifest]:
    return [run for run in runs_of(kubectl, namespace, cron_script) if run["status"]["phase"] == phase]


def test_a_slot_fires_at_its_minute(kubectl: Kubectl, schedules: str) -> None:
    (run, *_) = until(lambda: find_ended(kubectl, schedules, "each-minute", "Succeeded"), 180, "it fired")
    slot = run["spec"]["firedBy"]["scheduledTime"]
    assert run["status"]["output"] == {"value": slot}
    moment = datetime.fromisoformat(slot)
    assert (moment.second, run["metadata"]["name"]) == (0, names.slot_run_name("each-minute", moment))


def test_a_slot_fires_by_the_clock_of_its_time_zone(kubectl: Kubectl, schedules: str) -> None:
    (run, *_) = until(lambda: find_ended(kubectl, schedules, "tashkent", "Succeeded"), 240, "it fired")
    local = datetime.fromisoformat(run["spec"]["firedBy"]["scheduledTime"]).astimezone(TASHKENT)
    minutes = (kubectl.get("cronscript", "tashkent", schedules) or {})["spec"]["schedule"].split()[0]
    assert str(local.minute) in minutes.split(",")


def test_forbid_skips_the_slots_of_a_long_run(kubectl: Kubectl, schedules: str) -> None:
    until(lambda: status_of(kubectl, schedules, "forbid").get("skippedRuns"), 240, "a slot was skipped")
    miss = status_of(kubectl, schedules, "forbid")["misses"][0]
    assert miss["reason"] == "Overlap"
    skipped = datetime.fromisoformat(miss["scheduledTime"])
    assert not kubectl.get("scriptexecution", names.slot_run_name("forbid", skipped), schedules)
    end(kubectl, schedules, "forbid")


def test_replace_cancels_a_long_run_for_the_next_slot(kubectl: Kubectl, schedules: str) -> None:
    (former, *_) = until(lambda: find_ended(kubectl, schedules, "replace", "Cancelled"), 240, "replaced")
    slot = datetime.fromisoformat(former["spec"]["firedBy"]["scheduledTime"]) + timedelta(minutes=1)
    assert former["status"]["replacedBy"] == names.slot_run_name("replace", slot)
    end(kubectl, schedules, "replace")


def test_a_suspended_schedule_fires_nothing_until_it_goes_on_and_all_is_told(
    kubectl: Kubectl, schedules: str
) -> None:
    # Others have fired by now, so this one would have.
    until(lambda: runs_of(kubectl, schedules, "each-minute"), 180, "another schedule fired")
    assert not runs_of(kubectl, schedules, "suspended")
    go_on = ("--type=merge", "-p", '{"spec":{"suspend":false}}')
    kubectl.run("patch", "cronscript", "suspended", "--namespace", schedules, *go_on)
    until(lambda: status_of(kubectl, schedules, "suspended").get("skippedRuns"), 60, "the slots are told")
    assert status_of(kubectl, schedules, "suspended")["misses"][0]["reason"] == "Suspended"
    until(lambda: find_ended(kubectl, schedules, "suspended", "Succeeded"), 120, "it fires again")


def test_no_more_runs_are_kept_than_the_history_has_room_for(kubectl: Kubectl, schedules: str) -> None:
    until(lambda: status_of(kubectl, schedules, "each-minute").get("lastScheduleTime"), 180, "it fired")
    first = status_of(kubectl, schedules, "each-minute")["lastScheduleTime"]

    def has_next() -> bool:
        status = status_of(kubectl, schedules, "each-minute")
        ended = find_ended(kubectl, schedules, "each-minute", "Succeeded")
        return status["lastScheduleTime"] > first and len(ended) == 1

    until(has_next, 180, "a later run is kept, and no other")


def test_with_the_operator_stopped_slots_go_on(kubectl: Kubectl, operator: Operator, schedules: str) -> None:
    until(lambda: runs_of(kubectl, schedules, "each-minute"), 180, "it fired")
    operator.stop()
    begun = datetime.now(UTC)

    def find_new() -> list[Manifest]:
        return [
            run
            for run in find_ended(kubectl, schedules, "each-minute", "Succeeded")
            if datetime.fromisoformat(run["spec"]["firedBy"]["scheduledTime"]) > begun
        ]

    first, second = until(lambda: len(found := find_new()) > 1 and found[:2], 240, "two slots were run") or ()
    slots = [datetime.fromisoformat(run["spec"]["firedBy"]["scheduledTime"]) for run in (first, second)]
    assert slots[1] - slots[0] == timedelta(minutes=1)
    operator.start()
    last = second["spec"]["firedBy"]["scheduledTime"]
    until(
        lambda: status_of(kubectl, schedules, "each-minute").get("lastScheduleTime", "") >= last,
        120,
        "the status tells of them",
    )
    assert not status_of(kubectl, schedules, "each-minute").get("missedRuns")
