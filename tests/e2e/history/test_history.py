"""Ended runs are kept as their Script says, and removed when their time to live is over."""

import asyncio

import pytest

from scriptorium_client import Client
from scriptorium_client.resources import EVENTS, EXECUTIONS
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.waiting import until_async, until_equal

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("release")]


async def create_runs(client: Client, namespace: str, name: str, count: int) -> None:
    for number in range(count):
        manifest = execution(f"{name}-{number:03}", scriptRef={"name": name})
        manifest["metadata"]["namespace"] = namespace
        await client.create(manifest, EXECUTIONS)


async def phases_of(client: Client, namespace: str) -> dict[str, str]:
    items = await client.list_all(EXECUTIONS, namespace)
    return {item["metadata"]["name"]: item["status"]["phase"] for item in items}


async def test_the_newest_runs_are_kept_of_each_outcome(
    kubectl: Kubectl, client: Client, namespace: str
) -> None:
    limits = {"successfulRunsHistoryLimit": 3, "failedRunsHistoryLimit": 2}
    kubectl.apply(script("good", source="return 1;", **limits), namespace)
    kubectl.apply(script("bad", source="throw new Error('no');", **limits), namespace)
    await asyncio.gather(*(create_runs(client, namespace, name, 12) for name in ("good", "bad")))

    async def is_cleared() -> bool:
        phases = await phases_of(client, namespace)
        return sorted(phases.values()) == ["Failed"] * 2 + ["Succeeded"] * 3

    await until_async(is_cleared, 60)


def test_a_run_with_a_time_to_live_goes_when_it_is_over(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(script("good", source="return 1;"), namespace)
    run = {"scriptRef": {"name": "good"}}
    kubectl.create(execution("short", **run, ttlSecondsAfterFinished=1), namespace)
    kubectl.create(execution("kept", **run), namespace)
    until_equal(lambda: [item["metadata"]["name"] for item in kubectl.list("sx", namespace)], ["kept"])


def test_a_script_tells_once_that_its_runs_begin_to_fail_and_once_that_they_succeed_again(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(script("moody", source="if (input.fails) throw new Error('no');"), namespace)
    for number, fails in enumerate((False, True, True, False, False)):
        name = f"run-{number}"
        kubectl.create(execution(name, scriptRef={"name": "moody"}, input={"fails": fails}), namespace)
        kubectl.run("wait", f"sx/{name}", "-n", namespace, "--for=condition=Finished", "--timeout=60s")
    until_equal(lambda: reasons_of_events(kubectl, namespace), ["RunsFail", "RunsSucceed"])


def reasons_of_events(kubectl: Kubectl, namespace: str) -> list[str]:
    events = kubectl.list(EVENTS.plural, namespace, "--field-selector=involvedObject.kind=Script")
    return sorted(event["reason"] for event in events)
