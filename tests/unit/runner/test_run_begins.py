"""What a run's pod asks for before it imports what it will read that with."""

import asyncio
from collections.abc import Mapping

import pytest

from scriptorium_api import names
from scriptorium_client import Client, Config
from scriptorium_client.resources import CRON_SCRIPTS, EXECUTIONS, JOBS
from scriptorium_client.transport import Answer
from scriptorium_runner import run

SLOT = {"POD_NAMESPACE": "team", "SCRIPTORIUM_JOB": "job-1", "SCRIPTORIUM_CRON_SCRIPT": "nightly"}
PATHS = {
    "job": JOBS.path("team", "job-1"),
    "cron script": CRON_SCRIPTS.path("team", "nightly"),
    "runs": EXECUTIONS.path("team"),
}


class Server:
    """Finds everything, and remembers what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, _method: str, path: str, **_: Mapping[str, str] | bytes | None) -> Answer:
        self.asked.append(path)
        return Answer(200, b'{"items": [], "metadata": {"resourceVersion": "1"}}', None)

    async def close(self) -> None:
        """Have nothing to close."""


async def ask_first(environment: Mapping[str, str], server: Server) -> None:
    async with Client(Config("http://127.0.0.1", "team", None), transport=server) as client:  # type: ignore[arg-type]
        run.ask_first(client, environment)
        for _ in range(10):
            await asyncio.sleep(0)


async def test_a_slot_begins_with_its_job_and_its_schedule_and_what_ran_before() -> None:
    server = Server()
    await ask_first(SLOT, server)
    assert server.asked == list(PATHS.values())


async def test_nothing_of_it_is_asked_for_again() -> None:
    server = Server()
    async with Client(Config("http://127.0.0.1", "team", None), transport=server) as client:  # type: ignore[arg-type]
        run.ask_first(client, SLOT)
        await client.get(JOBS, "job-1", "team")
        await client.get(CRON_SCRIPTS, "nightly", "team")
        await client.list_all(EXECUTIONS, "team", fields=names.fired_by("nightly"))
    assert server.asked == list(PATHS.values())


async def test_an_attempt_reads_its_run_when_it_can_take_it_and_no_earlier() -> None:
    server = Server()
    await ask_first({"POD_NAMESPACE": "team", "SCRIPTORIUM_EXECUTION": "run-1"}, server)
    assert server.asked == []


@pytest.mark.parametrize(
    ("missing", "asked"),
    [
        ("POD_NAMESPACE", []),
        ("SCRIPTORIUM_JOB", ["cron script", "runs"]),
        ("SCRIPTORIUM_CRON_SCRIPT", ["job"]),
    ],
)
async def test_nothing_is_asked_for_that_is_not_named(missing: str, asked: list[str]) -> None:
    server = Server()
    await ask_first({name: value for name, value in SLOT.items() if name != missing}, server)
    assert server.asked == [PATHS[each] for each in asked]
