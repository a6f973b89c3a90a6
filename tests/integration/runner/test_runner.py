"""The runner on a real API server: outages, shutdown, and what it writes."""

import asyncio
from typing import Any

import pytest

from scriptorium_client import Client, Event, Selection, follow
from scriptorium_client.resources import EXECUTIONS
from tests.integration.runner.conftest import Runners, Runs
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

BUSY = "const end = Date.now() + 1500; while (Date.now() < end); return 'done';"
ENDLESS = "for (;;) {}"


async def test_a_result_that_ends_during_an_outage_is_kept_and_settled_after_it(
    runners: Runners, runs: Runs
) -> None:
    async with runners.start() as runner:
        await runs.create("run", BUSY)
        await runs.reach("run", "Running")
        runner.wire.cut()
        # The watches and the settling come back again and again; by then the script has ended.
        await until_async(lambda: runner.wire.refused > 20, seconds=60)
        assert (await runs.status("run"))["phase"] == "Running"
        runner.wire.mend()
        status = await runs.reach("run", "Succeeded")
    assert (status["attempt"], status["output"]) == (1, {"value": "done"})


async def test_what_is_created_during_an_outage_runs_after_it(runners: Runners, runs: Runs) -> None:
    async with runners.start() as runner:
        await runs.create("before", "return 1;")
        await runs.reach("before", "Succeeded")
        runner.wire.cut()
        await until_async(lambda: runner.wire.refused > 0, seconds=30)
        await runs.create("during", "return 2;")
        runner.wire.mend()
        assert (await runs.reach("during", "Succeeded"))["output"] == {"value": 2}


async def test_a_runner_told_to_stop_lets_its_run_finish(runners: Runners, runs: Runs) -> None:
    async with runners.start() as runner:
        await runs.create("run", BUSY)
        await runs.reach("run", "Running")
        assert await runner.stop() == 0
        assert (await runs.status("run"))["reason"] == "Completed"


async def test_a_run_that_outlasts_the_drain_is_settled_with_that_reason(
    runners: Runners, runs: Runs
) -> None:
    async with runners.start(SCRIPTORIUM_DRAIN_SECONDS="1") as runner:
        await runs.create("run", "console.log('on it'); " + ENDLESS, timeoutSeconds=60)
        await runs.reach("run", "Running")
        assert await runner.stop() == 0
    status = await runs.status("run")
    assert (status["phase"], status["reason"]) == ("Failed", "RunnerShutdown")


async def test_what_waits_at_shutdown_is_left_for_the_next_runner(runners: Runners, runs: Runs) -> None:
    async with runners.start(SCRIPTORIUM_DRAIN_SECONDS="0", SCRIPT_VM_POOL_SIZE="1") as runner:
        await runs.create("first", ENDLESS, timeoutSeconds=60)
        await runs.reach("first", "Running")
        await runs.create("second", "return 2;")
        assert await runner.stop() == 0
        assert (await runs.status("second"))["phase"] == "Pending"
    async with runners.start():
        assert (await runs.reach("second", "Succeeded"))["attempt"] == 1


async def test_a_run_takes_two_status_writes_counted_at_the_api_server(
    runners: Runners, runs: Runs, client: Client, namespace: str
) -> None:
    events: dict[str, list[str]] = {}

    async def count() -> None:
        async for event in follow(client, Selection(resource=EXECUTIONS, namespace=namespace)):
            if isinstance(event, Event):
                events.setdefault(event.object["metadata"]["name"], []).append(phase_of(event.object))

    counting = asyncio.create_task(count())
    async with runners.start(), runners.start():
        for number in range(30):
            await runs.create(f"run-{number}", "return 1;")
        for number in range(30):
            await runs.reach(f"run-{number}", "Succeeded")
        await until_async(lambda: all(seen[-1] == "Succeeded" for seen in events.values()))
    counting.cancel()
    await asyncio.gather(counting, return_exceptions=True)
    assert len(events) == 30
    assert {tuple(seen) for seen in events.values()} == {("Pending", "Running", "Succeeded")}


def phase_of(item: dict[str, Any]) -> str:
    phase: str = item["status"]["phase"]
    return phase


async def test_a_bad_setting_is_refused_at_start_with_its_name(runners: Runners) -> None:
    async with runners.start(SCRIPT_VM_POOL_SIZE="many") as runner:
        assert await asyncio.wait_for(runner.process.wait(), 30) == 2


async def test_a_run_deleted_in_mid_run_is_stopped_and_the_runner_goes_on(
    runners: Runners, runs: Runs, client: Client, namespace: str
) -> None:
    async with runners.start(SCRIPT_VM_POOL_SIZE="1"):
        await runs.create("gone", ENDLESS, timeoutSeconds=600, limits={"timeoutSeconds": 600})
        await runs.reach("gone", "Running")
        await client.delete(EXECUTIONS, "gone", namespace)
        await runs.create("next", "return 1;")
        await runs.reach("next", "Succeeded", seconds=30)
