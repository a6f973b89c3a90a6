"""Two runner pods share the runs of a namespace, each run once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from scriptorium_client import Client, Event, Selection, follow
from scriptorium_client.resources import EXECUTIONS
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, pool, script
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

COUNT = 100


@pytest.mark.usefixtures("release")
async def test_a_hundred_executions_on_two_runners_run_once_each(
    kubectl: Kubectl, client: Client, namespace: str
) -> None:
    kubectl.create(pool(replicas=2, workersPerRunner=4), namespace)
    kubectl.apply(script("work", source="return input.number;", successfulRunsHistoryLimit=COUNT), namespace)
    kubectl.run("wait", "rp/default", "--namespace", namespace, "--for=condition=Ready", "--timeout=120s")
    seen: dict[str, list[dict[str, Any]]] = {}
    watching = asyncio.create_task(watch(client, namespace, seen))
    for number in range(COUNT):
        manifest = execution(f"run-{number}", scriptRef={"name": "work"}, input={"number": number})
        manifest["metadata"]["namespace"] = namespace
        await client.create(manifest, EXECUTIONS)
    await until_async(lambda: len(seen) == COUNT and all(is_over(each) for each in seen.values()), 120)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    for name, statuses in seen.items():
        assert [each["phase"] for each in statuses] == ["Pending", "Running", "Succeeded"], name
        assert statuses[-1]["attempt"] == 1
        assert statuses[-1]["output"] == {"value": int(name.removeprefix("run-"))}
    shares = Counter(statuses[-1]["runner"]["pod"] for statuses in seen.values())
    assert len(shares) == 2
    assert min(shares.values()) > COUNT / 5


async def watch(client: Client, namespace: str, seen: dict[str, list[dict[str, Any]]]) -> None:
    async for event in follow(client, Selection(resource=EXECUTIONS, namespace=namespace)):
        if isinstance(event, Event):
            seen.setdefault(event.object["metadata"]["name"], []).append(event.object["status"])


def is_over(statuses: list[dict[str, Any]]) -> bool:
    return "completionTime" in statuses[-1]
