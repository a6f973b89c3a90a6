"""`http` of a script, from the sandbox to a server and back, as the supervisor grants it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from scriptorium_api.permissions import HttpPermission, Permissions
from scriptorium_api.reasons import Reason
from scriptorium_api.script import Limits
from scriptorium_runner.engine import Engine, EngineSettings
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.outside import Outside
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.host.http import Ending, HttpClient, HttpSettings
from tests.support.web import Names, Site, admit, serve
from tests.unit.runner.executions.fakes import MemoryBoard

CONTEXT: dict[str, Any] = {"tenant": {}, "user": None, "script": {}, "execution": {"id": "1"}, "input": {}}


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    found = Engine(EngineSettings(pool_size=1))
    await found.start()
    yield found
    await found.shutdown()


async def run(
    engine: Engine, source: str, endings: list[Ending], *hosts: str, site: Site | None = None
) -> Outcome:
    """Run a script that may reach these hosts; with a site, it is at all names, and is the only one there."""

    def take_down(start: Start, ending: Ending) -> None:
        assert start.script == "hello"
        endings.append(ending)

    names = Names({host.partition(":")[0]: [("127.0.0.1",)] for host in hosts})
    judge = admit(site) if site else None
    async with HttpClient(HttpSettings(), judge=judge, look_up=names if site else None) as client:
        sandbox = EngineSandbox(engine, http=Outside(client, take_down))
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


async def answer_backwards(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=(await request.read())[::-1])


async def test_bytes_go_to_a_server_and_come_back_as_they_are(engine: Engine) -> None:
    source = """
        const all = Uint8Array.from({ length: 256 }, (_, index) => index);
        const answer = await http.post("http://site.example.com:PORT/", all, { responseType: "bytes" });
        return { sent: Array.from(all), received: Array.from(answer.body) };
    """
    endings: list[Ending] = []
    async with serve(answer_backwards) as site:
        host = f"site.example.com:{site.port}"
        outcome = await run(engine, source.replace("PORT", str(site.port)), endings, host, site=site)
    expected = {"sent": list(range(256)), "received": list(range(255, -1, -1))}
    assert json.dumps(outcome.output) == json.dumps(expected)
    assert site.last.body == bytes(range(256))
    assert [ending.outcome for ending in endings] == ["ANSWERED"]
