from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio

from scriptorium_operator.__main__ import show
from scriptorium_operator.context import Context
from scriptorium_operator.errors import ClusterUnavailable, Vanished
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.gateways.metrics import Metrics
from scriptorium_operator.handlers.health import serve_health
from scriptorium_operator.services.leadership import Leadership
from scriptorium_operator.services.work import Work
from tests.support.ports import free_port
from tests.support.waiting import until_async

PREFIX = "scriptorium_operator_"
KEY = Key(Kind.SCRIPT, "team", "hello")


def read(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(PREFIX + name, labels)


@pytest_asyncio.fixture
async def address(context: Context) -> AsyncIterator[str]:
    """Where an operator of these tests answers."""
    port = free_port()
    served = replace(context, settings=replace(context.settings, health_port=port))
    async with serve_health(served):
        yield f"http://127.0.0.1:{port}"


async def test_the_numbers_are_there_for_prometheus(context: Context, address: str) -> None:
    show(context)
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        assert f"{PREFIX}leader 1.0" in await answer.text()


def test_the_endpoints_are_counted_by_their_state(context: Context) -> None:
    shown = replace(context, metrics=Metrics())
    show(shown)
    context.endpoints.reasons |= {Key(Kind.ENDPOINT, "team", name): "Ready" for name in "ab"}
    assert read(shown.metrics, "endpoints", reason="Ready") == 2


def test_a_replica_that_stands_by_does_not_lead(context: Context) -> None:
    standing_by = replace(context, leadership=Leadership(lambda: 0.0), metrics=Metrics())
    show(standing_by)
    assert read(standing_by.metrics, "leader") == 0


@pytest.mark.parametrize(
    ("error", "outcome", "failing"),
    [
        (None, "done", 0),
        (Vanished("gone"), "gone", 0),
        (ClusterUnavailable("down", retry_after=3600.0), "postponed", 1),
        (ZeroDivisionError("ours"), "bug", 1),
    ],
)
async def test_an_attempt_is_counted_by_how_it_ended(
    context: Context, error: Exception | None, outcome: str, failing: int
) -> None:
    metrics = Metrics()
    work = Work(jitter=lambda: 0.0, tell=metrics.count_reconcile)
    show(replace(context, work=work, metrics=metrics))

    async def handle(_key: Key) -> None:
        assert read(metrics, "busy") == 1
        if error:
            raise error

    work.add(KEY)
    assert read(metrics, "waiting") == 1
    context.supervisor.start("work", lambda: work.work_off(handle))
    labels = {"kind": "Script", "outcome": outcome}
    await until_async(lambda: read(metrics, "reconciles_total", **labels) == 1)
    await until_async(lambda: read(metrics, "busy") == 0)
    assert (read(metrics, "waiting"), read(metrics, "failing")) == (0, failing)
    await context.supervisor.stop()


async def test_a_task_that_dies_is_counted(context: Context) -> None:
    show(context)

    async def run() -> None:
        raise ValueError

    context.supervisor.start("sweep", run)
    assert read(context.metrics, "task_deaths_total", task="sweep") == 0
    await until_async(lambda: read(context.metrics, "task_deaths_total", task="sweep") == 1)
    await context.supervisor.stop()
