"""Runs with one idempotency key, on the real API server."""

import asyncio

import pytest

from scriptorium_client import Client
from scriptorium_client.resources import EXECUTIONS
from tests.integration.runner.conftest import Runners, Runs
from tests.support.kubectl import Kubectl
from tests.support.manifests import execution, script

pytestmark = pytest.mark.cluster


async def create(client: Client, namespace: str, name: str, key: str) -> None:
    manifest = execution(name, scriptRef={"name": "work"}, idempotencyKey=key)
    manifest["metadata"]["namespace"] = namespace
    await client.create(manifest, EXECUTIONS)


async def test_of_runs_created_at_once_with_one_key_one_runs_and_the_others_name_it(
    runners: Runners, runs: Runs, client: Client, namespace: str, kubectl: Kubectl
) -> None:
    kubectl.apply(script("work", source="return 1;"), namespace)
    async with runners.start(), runners.start():
        names = [f"run-{number}" for number in range(10)]
        await asyncio.gather(*(create(client, namespace, name, "order-1") for name in names))
        ends = {name: await runs.reach(name, "Succeeded", "Cancelled") for name in names}
        await create(client, namespace, "other", "order-2")
        await runs.reach("other", "Succeeded")
        await create(client, namespace, "late", "order-1")
        ends["late"] = await runs.reach("late", "Cancelled")
    (first,) = [name for name, status in ends.items() if status["phase"] == "Succeeded"]
    others = [status for name, status in ends.items() if name != first]
    assert {(status["reason"], status["duplicateOf"]) for status in others} == {("Duplicate", first)}
    assert "attempts" not in others[0] or others[0]["attempts"] == []
