"""The way to the hosts outside, in a pod that sees to one run."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scriptorium_api.permissions import HttpPermission, Permissions
from scriptorium_api.script import Limits
from scriptorium_runner.engine import Engine, EngineSettings
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.sandbox import EngineSandbox, WayOut
from scriptorium_runner.host.http import HttpSettings
from scriptorium_runner.own_pod.way_out import LateWayOut
from tests.unit.runner.executions.fakes import MemoryBoard

#: Asks a host at an address that the platform denies, twice.
SOURCE = """
const ask = () => http.get("http://10.1.2.3/").catch((error) => error.code);
return [await ask(), await ask()];
"""

ALLOWED = Permissions(http=HttpPermission(allow=["10.1.2.3"]))


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    found = Engine(EngineSettings(pool_size=1))
    await found.start()
    yield found
    await found.shutdown()


class CountingWayOut(LateWayOut):
    """Counts how often it was made."""

    made = 0

    def _make(self) -> WayOut:
        self.made += 1
        return super()._make()


async def run(engine: Engine, way_out: LateWayOut, source: str, permissions: Permissions) -> Outcome:
    start = Start(
        source=source,
        entrypoint=None,
        limits=Limits(),
        owner="o",
        timeout_seconds=10,
        script="hello",
        permissions=permissions,
    )
    context = {"tenant": {}, "user": None, "script": {}, "execution": {"id": "1"}, "input": {}}
    return await EngineSandbox(engine, http=way_out).run(start, context, asyncio.Event(), MemoryBoard())


async def test_what_is_denied_is_told_to_the_script_and_in_the_log(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async with LateWayOut(HttpSettings()) as way_out:
        with caplog.at_level(logging.WARNING):
            outcome = await run(engine, way_out, SOURCE, ALLOWED)
    assert outcome.output == {"value": ["ADDRESS_NOT_ALLOWED"] * 2}
    # The second call is told by the same log as the first, which is told once.
    assert [record.message for record in caplog.records] == ["http call denied"]


async def test_it_is_made_once_before_a_script_begins_that_may_ask(engine: Engine) -> None:
    async with CountingWayOut(HttpSettings()) as way_out:
        await run(engine, way_out, "return 1", Permissions())
        assert way_out.made == 0
        await run(engine, way_out, "return 1", ALLOWED)
        await run(engine, way_out, SOURCE, ALLOWED)
        assert way_out.made == 1
