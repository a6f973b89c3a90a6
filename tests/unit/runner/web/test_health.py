from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest_asyncio
from prometheus_client import CollectorRegistry, Gauge

from scriptorium_runner.web.health import start_health


@dataclass
class Runner:
    """What the probes ask, and where they are asked."""

    is_alive: bool = True
    is_ready: bool = True
    address: str = ""

    async def ask(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.address + path) as answer:
            return answer.status, await answer.text()


@pytest_asyncio.fixture
async def runner() -> AsyncIterator[Runner]:
    found, registry = Runner(), CollectorRegistry()
    Gauge("scriptorium_runner_busy", "Runs in progress.", registry=registry).set(3)
    served = await start_health(0, lambda: found.is_alive, lambda: found.is_ready, registry)
    # Each address family got a port of its own.
    (port,) = (address[1] for address in served.addresses if address[0] == "0.0.0.0")  # noqa: S104
    found.address = f"http://127.0.0.1:{port}"
    yield found
    await served.cleanup()


async def test_a_runner_that_is_well_says_so(runner: Runner) -> None:
    assert [(await runner.ask(path))[0] for path in ("/livez", "/readyz")] == [200, 200]


async def test_a_runner_that_drains_is_alive_and_not_ready(runner: Runner) -> None:
    runner.is_ready = False
    assert [(await runner.ask(path))[0] for path in ("/livez", "/readyz")] == [200, 503]


async def test_a_runner_whose_engine_is_broken_is_not_alive(runner: Runner) -> None:
    runner.is_alive = False
    assert (await runner.ask("/livez"))[0] == 503


async def test_its_numbers_are_there_for_prometheus(runner: Runner) -> None:
    status, text = await runner.ask("/metrics")
    assert status == 200
    assert "scriptorium_runner_busy 3.0" in text


async def test_nothing_else_is_served(runner: Runner) -> None:
    assert (await runner.ask("/"))[0] == 404
