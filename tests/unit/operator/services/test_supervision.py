import asyncio

import pytest

from scriptorium_operator.services.supervision import Supervisor
from tests.support.waiting import until_async


async def test_a_task_that_dies_is_told_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    supervisor, starts = Supervisor(pause=0), []

    async def run() -> None:
        starts.append(1)
        if len(starts) == 1:
            raise ValueError("boom")
        await asyncio.Event().wait()

    supervisor.start("follow Script", run)
    await until_async(lambda: len(starts) == 2)
    assert supervisor.count_deaths() == {"follow Script": 1}
    assert supervisor.list_dead() == []
    assert "ValueError: boom" in caplog.text
    await supervisor.stop()


async def test_a_dead_task_shows_until_it_runs_again() -> None:
    supervisor = Supervisor(pause=3600)

    async def run() -> None:
        return

    supervisor.start("sweep", run)
    await until_async(lambda: supervisor.list_dead() == ["sweep"])
    await supervisor.stop()
