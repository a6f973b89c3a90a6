"""What the pod of a slot asks for before it is read."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from scriptorium_api import cron_runs
from scriptorium_api.cron_runs import Firer
from scriptorium_client import Client, Config
from scriptorium_client.resources import EXECUTIONS, SCRIPTS
from scriptorium_client.transport import Answer
from scriptorium_runner.own_pod import work
from tests.support.makers import NOW
from tests.unit.runner.schedules.fakes import make_cron_script


class Server:
    """Makes what it is told to make, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def ask(self, method: str, path: str, **given: Mapping[str, str] | bytes | None) -> Answer:
        self.asked.append((method, path))
        body = given.get("body")
        made: dict[str, Any] = json.loads(body) if isinstance(body, bytes) else {}
        made.setdefault("metadata", {}).update({"uid": "run-uid", "resourceVersion": "1"})
        return Answer(200, json.dumps(made).encode(), None)

    async def close(self) -> None:
        """Have nothing to close."""


async def test_the_script_of_a_run_is_read_as_soon_as_the_run_is_made() -> None:
    server, firer = Server(), Firer("job-1", "job-uid")
    async with Client(Config("http://127.0.0.1", "team", None), transport=server) as client:  # type: ignore[arg-type]
        calendar = work.build_calendar(client, "team")
        await calendar.make_run(cron_runs.build_run(make_cron_script(), NOW, firer))
        for _ in range(10):
            await asyncio.sleep(0)
        await client.get(SCRIPTS, "hello", "team")
    assert server.asked == [("POST", EXECUTIONS.path("team")), ("GET", SCRIPTS.path("team", "hello"))]
