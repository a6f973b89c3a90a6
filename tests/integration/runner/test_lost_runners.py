"""Runners that die, stand still or come back, on the real API server with real leases."""

import asyncio
import signal
from typing import Any

import pytest

from scriptorium_client import Client
from scriptorium_client.resources import EXECUTIONS, LEASES, PODS
from tests.integration.runner.conftest import Runners, Runs
from tests.support.kubectl import Kubectl
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

ENDLESS = "for (;;) {}"
#: Endless the first time, done the second.
ENDLESS_ONCE = "if (ctx.execution.attempt === 1) for (;;) {} return ctx.execution.attempt;"
FOR_20_SECONDS = "const end = Date.now() + 20000; while (Date.now() < end); return 1;"
LONG: dict[str, Any] = {"timeoutSeconds": 600, "limits": {"timeoutSeconds": 600}}
RETRY = {"limit": 3, "backoffSeconds": 1}


async def test_a_failing_script_is_retried_with_every_attempt_to_be_seen(
    runners: Runners, runs: Runs
) -> None:
    async with runners.start() as runner:
        source = (
            "if (ctx.execution.attempt < 3) throw new Error(`no ${ctx.execution.attempt}`); return 'yes';"
        )
        await runs.create("run", source, retry=RETRY)
        status = await runs.reach("run", "Succeeded")
        pod = runner.pod
    assert (status["attempt"], status["output"]) == (3, {"value": "yes"})
    attempts = [(each["number"], each["reason"], each["runner"]) for each in status["attempts"]]
    assert attempts == [(1, "ScriptError", pod), (2, "ScriptError", pod), (3, "Completed", pod)]


async def test_the_time_of_a_retry_outlives_the_runner(runners: Runners, runs: Runs) -> None:
    source = "if (ctx.execution.attempt === 1) throw new Error('no'); return 'yes';"
    async with runners.start() as first:
        await runs.create("run", source, retry={"limit": 1, "backoffSeconds": 3})
        await until_async(lambda: is_retrying(runs, "run"), seconds=30)
        due = (await runs.status("run"))["nextAttemptTime"]
        assert await first.stop(signal.SIGKILL) == -signal.SIGKILL
    async with runners.start():
        status = await runs.reach("run", "Succeeded")
    assert status["startTime"] >= due
    assert status["attempt"] == 2


async def is_retrying(runs: Runs, name: str) -> bool:
    status = await runs.status(name)
    return status["phase"] == "Pending" and status["reason"] == "Retrying"


async def test_a_run_that_waits_for_its_retry_can_be_cancelled(
    runners: Runners, runs: Runs, client: Client, namespace: str
) -> None:
    async with runners.start():
        await runs.create("run", "throw new Error('no');", retry={"limit": 1, "backoffSeconds": 3600})
        await until_async(lambda: is_retrying(runs, "run"), seconds=30)
        await client.merge(EXECUTIONS, "run", namespace, {"spec": {"cancel": True}})
        status = await runs.reach("run", "Cancelled")
    assert "after attempt 1" in status["message"]
    assert status["error"]["message"] == "no"


async def test_the_run_of_a_deleted_pod_is_taken_up_at_once(
    runners: Runners, runs: Runs, client: Client, namespace: str
) -> None:
    async with runners.start() as first:
        await runs.create("retried", ENDLESS_ONCE, retry=RETRY, **LONG)
        await runs.create("lost", ENDLESS, **LONG)
        for name in ("retried", "lost"):
            await runs.reach(name, "Running")
        async with runners.start() as second:
            await until_lease_of(client, namespace, second.pod)
            await first.stop(signal.SIGKILL)
            await client.delete(PODS, first.pod, namespace)
            lost = await runs.reach("lost", "Failed")
            retried = await runs.reach("retried", "Succeeded")
    assert lost["reason"] == "RunnerLost"
    assert first.pod in lost["message"]
    assert [(each["reason"], each["runner"]) for each in retried["attempts"]] == [
        ("RunnerLost", first.pod),
        ("Completed", second.pod),
    ]


async def until_lease_of(client: Client, namespace: str, pod: str) -> None:
    await until_async(lambda: client.find(LEASES, pod, namespace), seconds=30)


async def test_a_restarted_container_settles_the_claims_of_its_former_start(
    runners: Runners, runs: Runs
) -> None:
    async with runners.start() as first:
        await runs.create("run", ENDLESS, **LONG)
        await runs.reach("run", "Running")
        await first.stop(signal.SIGKILL)
    async with runners.start(pod=first.pod):
        assert (await runs.reach("run", "Failed", seconds=12))["reason"] == "RunnerLost"


async def test_a_runner_that_stood_still_past_its_lease_settles_nothing_over_the_newer_attempt(
    runners: Runners, runs: Runs, client: Client, namespace: str
) -> None:
    async with runners.start() as paused:
        await runs.create("run", ENDLESS_ONCE, retry=RETRY, timeoutSeconds=2)
        await runs.reach("run", "Running")
        paused.process.send_signal(signal.SIGSTOP)
        async with runners.start() as other:
            status = await runs.reach("run", "Succeeded", seconds=90)
            paused.process.send_signal(signal.SIGCONT)
            # Back again, it renews its lease, tries to settle what it held, and takes what is new.
            await client.delete(PODS, other.pod, namespace)
            await other.stop()
        await runs.create("next", "return 1;")
        await runs.reach("next", "Succeeded")
        assert await runs.status("run") == status
    assert [each["reason"] for each in status["attempts"]] == ["RunnerLost", "Completed"]
    assert status["output"] == {"value": 2}


async def test_when_every_runner_died_at_once_the_next_one_takes_their_runs_up(
    runners: Runners, runs: Runs
) -> None:
    async with runners.start() as first, runners.start() as second:
        for number in range(4):
            await runs.create(f"run-{number}", ENDLESS_ONCE, retry=RETRY, **LONG)
        for number in range(4):
            await runs.reach(f"run-{number}", "Running")
        await asyncio.gather(first.stop(signal.SIGKILL), second.stop(signal.SIGKILL))
    async with runners.start():
        for number in range(4):
            status = await runs.reach(f"run-{number}", "Succeeded", seconds=90)
            assert [each["reason"] for each in status["attempts"]] == ["RunnerLost", "Completed"]


async def test_an_outage_takes_no_runner_for_lost(runners: Runners, runs: Runs) -> None:
    async with runners.start() as first, runners.start() as second:
        await runs.create(
            "run", "const end = Date.now() + 20000; while (Date.now() < end); return 1;", **LONG
        )
        await runs.reach("run", "Running")
        for runner in (first, second):
            runner.wire.cut()
        await until_async(lambda: min(first.wire.refused, second.wire.refused) > 40, seconds=90)
        for runner in (first, second):
            runner.wire.mend()
        status = await runs.reach("run", "Succeeded", "Failed", seconds=60)
    assert (status["phase"], status["attempt"]) == ("Succeeded", 1)


async def test_a_lease_goes_with_its_runner(
    runners: Runners, client: Client, namespace: str, kubectl: Kubectl
) -> None:
    async with runners.start() as runner:
        await until_lease_of(client, namespace, runner.pod)
        lease = kubectl.get("lease", runner.pod, namespace)
        assert lease
        assert lease["metadata"]["ownerReferences"][0]["kind"] == "Pod"
        assert await runner.stop() == 0
        assert kubectl.get("lease", runner.pod, namespace) is None
