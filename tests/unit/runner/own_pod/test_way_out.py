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
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.host.http import HttpSettings
from scriptorium_runner.own_pod.way_out import LateWayOut
from tests.unit.runner.executions.fakes import MemoryBoard

#: Asks a host at an address that the platform denies, twice.
SOURCE = """
const ask = () => http.get("http://10.1.2.3/").catch((error) => error.code);
return [await ask(), await ask()];
"""


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    found = Engine(EngineSettings(pool_size=1))
    await found.start()
    yield found
    await found.shutdown()


async def test_what_is_denied_is_told_to_the_script_and_in_the_log(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    start = Start(
        source=SOURCE,
        entrypoint=None,
        limits=Limits(),
        owner="o",
        timeout_seconds=10,
        script="hello",
        permissions=Permissions(http=HttpPermission(allow=["10.1.2.3"])),
    )
    context = {"tenant": {}, "user": None, "script": {}, "execution": {"id": "1"}, "input": {}}
    async with LateWayOut(HttpSettings()) as way_out:
        sandbox = EngineSandbox(engine, http=way_out)
        with caplog.at_level(logging.WARNING):
            outcome = await sandbox.run(start, context, asyncio.Event(), MemoryBoard())
    assert outcome.output == {"value": ["ADDRESS_NOT_ALLOWED"] * 2}
    # The second call is told by the same log as the first, which is told once.
    assert [record.message for record in caplog.records] == ["http call denied"]
