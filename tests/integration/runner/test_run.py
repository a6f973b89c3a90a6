"""`scriptorium-runner run` as a process, on the real API server: one attempt, and then it ends.

Nobody but this process takes the runs: they ask for no pod of their own, and their pool has no runner.
"""

from contextlib import AbstractAsyncContextManager

import pytest

from scriptorium_client import Client
from scriptorium_client.resources import EXECUTIONS
from tests.integration.runner.conftest import RunnerProcess, Runners, Runs
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

ENDLESS = "for (;;) {}"


async def start(
    runners: Runners, runs: Runs, name: str, attempt: int = 1, **settings: str
) -> AbstractAsyncContextManager[RunnerProcess]:
    """Start the runner of one attempt of a run."""
    found = await runs.client.get(EXECUTIONS, name, runs.namespace)
    return runners.start(
        command="run",
        SCRIPTORIUM_EXECUTION=name,
        SCRIPTORIUM_EXECUTION_UID=found["metadata"]["uid"],
        SCRIPTORIUM_ATTEMPT=str(attempt),
        **settings,
    )


async def test_a_run_that_succeeds_ends_its_process_with_0(runners: Runners, runs: Runs) -> None:
    await runs.create("fine", "return 1;")
    async with await start(runners, runs, "fine") as runner:
        assert await runner.process.wait() == 0
    status = await runs.status("fine")
    assert (status["phase"], status["runner"]["pod"]) == ("Succeeded", runner.pod)


async def test_a_run_that_fails_ends_its_process_with_1(runners: Runners, runs: Runs) -> None:
    await runs.create("broken", "throw new Error('no');")
    async with await start(runners, runs, "broken") as runner:
        assert await runner.process.wait() == 1
    assert (await runs.status("broken"))["reason"] == "ScriptError"


async def test_a_pod_of_a_former_attempt_does_nothing(runners: Runners, runs: Runs) -> None:
    await runs.create("later", "return 1;")
    async with await start(runners, runs, "later", attempt=2) as runner:
        assert await runner.process.wait() == 0
    assert (await runs.status("later"))["phase"] == "Pending"


async def test_a_run_that_is_told_to_stop_says_so_and_fails(runners: Runners, runs: Runs) -> None:
    await runs.create("cut", ENDLESS, limits={"timeoutSeconds": 600})
    async with await start(runners, runs, "cut", SCRIPTORIUM_DRAIN_SECONDS="0") as runner:
        await runs.reach("cut", "Running")
        assert await runner.stop() == 1
    assert (await runs.status("cut"))["reason"] == "RunnerShutdown"


async def test_a_run_that_waits_for_its_script_is_left_by_a_pod_that_is_told_to_stop(
    runners: Runners, runs: Runs, client: Client
) -> None:
    spec = {"scriptRef": {"name": "absent"}}
    metadata = {"name": "waiting", "namespace": runs.namespace}
    manifest = {"apiVersion": "scriptorium.dev/v1alpha1", "kind": "ScriptExecution", "metadata": metadata}
    await client.create(manifest | {"spec": spec}, EXECUTIONS)
    async with await start(runners, runs, "waiting") as runner:

        async def says_so() -> bool:
            return (await runs.status("waiting"))["reason"] == "ScriptNotFound"

        await until_async(says_so, 30)
        assert await runner.stop() == 1
    assert (await runs.status("waiting"))["phase"] == "Pending"


async def test_a_run_is_cancelled_in_its_own_pod(runners: Runners, runs: Runs, client: Client) -> None:
    await runs.create("unwanted", ENDLESS, limits={"timeoutSeconds": 600})
    async with await start(runners, runs, "unwanted") as runner:
        await runs.reach("unwanted", "Running")
        await client.merge(EXECUTIONS, "unwanted", runs.namespace, {"spec": {"cancel": True}})
        assert await runner.process.wait() == 1
    assert (await runs.status("unwanted"))["phase"] == "Cancelled"


async def test_a_run_that_is_deleted_ends_its_process(runners: Runners, runs: Runs, client: Client) -> None:
    await runs.create("gone", ENDLESS, limits={"timeoutSeconds": 600})
    async with await start(runners, runs, "gone") as runner:
        await runs.reach("gone", "Running")
        await client.delete(EXECUTIONS, "gone", runs.namespace)
        assert await runner.process.wait() in (0, 1)


async def test_an_outage_in_the_middle_of_a_run_loses_nothing(runners: Runners, runs: Runs) -> None:
    source = "const end = Date.now() + 3000; while (Date.now() < end) {} return 'kept';"
    await runs.create("patient", source)
    async with await start(runners, runs, "patient") as runner:
        await runs.reach("patient", "Running")
        runner.wire.cut()
        await until_async(lambda: runner.wire.refused > 2, 60)
        runner.wire.mend()
        assert await runner.process.wait() == 0
    assert (await runs.status("patient"))["output"] == {"value": "kept"}
