"""The runner on a real API server: outages, shutdown, and what it writes."""

import asyncio
import json
import re
from collections import Counter

import pytest

from scriptorium_client import Client, Event, Selection, follow
from scriptorium_client.resources import EXECUTIONS
from tests.integration.runner.conftest import Runners, Runs
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, nested
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


async def test_a_run_takes_two_requests_at_the_api_server_and_they_are_status_writes(
    runners: Runners, runs: Runs, kubectl: Kubectl
) -> None:
    async with runners.start():
        await runs.create("first", "return 1;")
        await runs.reach("first", "Succeeded")
        before = count_requests(kubectl)
        for number in range(30):
            await runs.create(f"run-{number}", "return 1;")
        await runs.reach_all(31, "Succeeded")
        after = count_requests(kubectl)
    assert after["PATCH", "status"] - before["PATCH", "status"] == 60
    # The test's own: 30 creations.
    assert after["POST", ""] - before["POST", ""] == 30
    assert after["GET", ""] == before["GET", ""]


def count_requests(kubectl: Kubectl) -> Counter[tuple[str, str]]:
    """Count all requests for executions by verb and subresource, whatever their answer was."""
    found: Counter[tuple[str, str]] = Counter()
    for line in kubectl.run("get", "--raw", "/metrics").splitlines():
        if line.startswith("apiserver_request_total{") and 'resource="scriptexecutions"' in line:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            found[labels["verb"], labels["subresource"]] += int(float(line.rpartition(" ")[2]))
    return found


async def test_two_runners_never_take_the_same_run(
    runners: Runners, runs: Runs, client: Client, namespace: str
) -> None:
    phases: dict[str, list[str]] = {}

    async def note() -> None:
        async for event in follow(client, Selection(resource=EXECUTIONS, namespace=namespace)):
            if isinstance(event, Event):
                phases.setdefault(event.object["metadata"]["name"], []).append(
                    event.object["status"]["phase"]
                )

    noting = asyncio.create_task(note())
    async with runners.start(), runners.start():
        for number in range(30):
            await runs.create(f"run-{number}", "return 1;")
        await until_async(lambda: ends_of(phases) == ["Succeeded"] * 30, seconds=60)
    noting.cancel()
    await asyncio.gather(noting, return_exceptions=True)
    assert {tuple(seen) for seen in phases.values()} == {("Pending", "Running", "Succeeded")}


def ends_of(phases: dict[str, list[str]]) -> list[str]:
    return [seen[-1] for seen in phases.values()]


async def test_input_that_is_nested_too_deeply_ends_its_run_and_stops_no_other(
    runners: Runners, runs: Runs, kubectl: Kubectl, namespace: str
) -> None:
    async with runners.start():
        for levels in (151, 300, 2000):
            text = json.dumps(execution(f"deep-{levels}", source="return 1;", input="<INPUT>"))
            # Python cannot write what is deeper than about 1,000 levels; kubectl and the API server can.
            deep = '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)
            kubectl.run("create", "-n", namespace, "-f", "-", stdin=text.replace('"<INPUT>"', deep))
        for levels in (151, 300, 2000):
            status = await runs.reach(f"deep-{levels}", "Failed")
            assert status["reason"] == "InputInvalid"
            assert "150 levels" in status["message"]
        await runs.create("next", "return input;", input=nested(150))
        await runs.reach("next", "Succeeded")


async def test_a_runner_told_to_stop_during_an_outage_ends_in_its_time(runners: Runners, runs: Runs) -> None:
    async with runners.start(SCRIPTORIUM_DRAIN_SECONDS="1") as runner:
        await runs.create("run", BUSY)
        await runs.reach("run", "Running")
        runner.wire.cut()
        assert await runner.stop(seconds=30) == 0
    assert (await runs.status("run"))["phase"] == "Running"


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
