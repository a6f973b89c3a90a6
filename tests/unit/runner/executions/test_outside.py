"""`http` of a script, from the sandbox to a server and back, as the supervisor grants it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from scriptorium_api.permissions import HttpPermission, Permissions
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Limits
from scriptorium_runner.engine import Engine, EngineSettings
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.sandbox import EngineSandbox, Outside
from scriptorium_runner.host.http import Ending, HttpClient, HttpSettings
from tests.unit.runner.executions.fakes import MemoryBoard

CONTEXT: dict[str, Any] = {"tenant": {}, "user": None, "script": {}, "execution": {"id": "1"}, "input": {}}


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    found = Engine(EngineSettings(pool_size=1))
    await found.start()
    yield found
    await found.shutdown()


async def run(engine: Engine, source: str, endings: list[Ending], *hosts: str) -> Outcome:
    async with HttpClient(HttpSettings()) as client:
        sandbox = EngineSandbox(engine, http=Outside(client, endings.append))
        start = Start(
            source=source,
            entrypoint=None,
            limits=Limits(),
            owner="o",
            timeout_seconds=10,
            script="hello",
            permissions=Permissions(http=HttpPermission(allow=list(hosts))),
        )
        return await sandbox.run(start, CONTEXT, asyncio.Event(), MemoryBoard())


@pytest.mark.parametrize(
    ("url", "hosts", "code"),
    [
        ("https://api.example.com/", [], "HOST_NOT_ALLOWED"),
        ("http://169.254.169.254/", ["*.example.com"], "HOST_NOT_ALLOWED"),
        ("http://10.1.2.3/", ["10.1.2.3"], "ADDRESS_NOT_ALLOWED"),
    ],
)
async def test_what_was_not_granted_is_an_error_that_the_script_can_catch(
    engine: Engine, url: str, hosts: list[str], code: str
) -> None:
    endings: list[Ending] = []
    source = f"try {{ await http.get('{url}'); }} catch (error) {{ return error.code; }} return 'reached';"
    outcome = await run(engine, source, endings, *hosts)
    assert (outcome.reason, outcome.output) == (Reason.COMPLETED, {"value": code})
    assert [(ending.outcome, ending.is_denied) for ending in endings] == [(code, True)]
