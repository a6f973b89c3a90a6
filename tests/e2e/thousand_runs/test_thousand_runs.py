"""A thousand runs created at once: all end, none is lost."""

import asyncio
from collections import Counter

import pytest

from scriptorium_client import Client
from scriptorium_client.resources import EXECUTIONS
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script
from tests.support.waiting import until_async

pytestmark = pytest.mark.cluster

COUNT = 1000
AT_ONCE = 50


@pytest.mark.usefixtures("release")
async def test_a_thousand_executions_created_at_once_all_end(
    kubectl: Kubectl, client: Client, namespace: str
) -> None:
    kubectl.apply(script("work", source="return input.number;", successfulRunsHistoryLimit=COUNT), namespace)
    gate = asyncio.Semaphore(AT_ONCE)

    async def create(number: int) -> None:
        manifest = execution(f"run-{number}", scriptRef={"name": "work"}, input={"number": number})
        manifest["metadata"]["namespace"] = namespace
        async with gate:
            await client.create(manifest, EXECUTIONS)

    await asyncio.gather(*(create(number) for number in range(COUNT)))

    async def are_all_over() -> bool:
        phases = await count_phases(client, namespace)
        assert set(phases) <= {"Pending", "Running", "Succeeded"}, phases
        return phases == {"Succeeded": COUNT}

    # The slowest machine that this has to pass on settles about ten a second.
    await until_async(are_all_over, 300)


async def count_phases(client: Client, namespace: str) -> Counter[str]:
    items = await client.list_all(EXECUTIONS, namespace)
    return Counter(item["status"]["phase"] for item in items)
