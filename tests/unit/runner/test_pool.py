from datetime import timedelta
from typing import Any, cast

import aiohttp
import pytest

from scriptorium_api.script import Limits
from scriptorium_client import Client, Config, Event
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.sandbox import EngineSandbox
from scriptorium_runner.host.http import Ending, HttpClient, HttpSettings
from scriptorium_runner.host.http.failures import Code
from scriptorium_runner.metrics import Metrics
from scriptorium_runner.pool import Stage, build_internal, build_outside, build_slot_hook
from scriptorium_runner.pool_settings import read_pool_settings
from scriptorium_runner.sources.cluster import ClusterBoard
from tests.support.makers import NOW, make_execution, make_script
from tests.unit.runner.executions.fakes import MemoryBoard, ObedientSandbox
from tests.unit.runner.schedules.fakes import make_cron_script
from tests.unit.runner.sources.reviewing_server import ApiServer, serving
from tests.unit.runner.test_settings import LEAST


def test_a_denied_call_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(workers=1)
    outside = build_outside(HttpClient(HttpSettings()), metrics)
    start = Start(source="", entrypoint=None, limits=Limits(), owner="uid", timeout_seconds=1, script="hello")
    for _ in range(2):
        outside.tell(start, Ending(outcome=Code.HOST_NOT_ALLOWED, host="evil.example.com", seconds=0.1))
    labels = {"outcome": "HOST_NOT_ALLOWED"}
    assert metrics.registry.get_sample_value("scriptorium_http_requests_total", labels) == 2
    assert [record.message for record in caplog.records] == ["http call denied"]


@pytest.mark.parametrize(
    ("fired_by", "delays"),
    [
        ({"cronScript": "nightly", "scheduledTime": NOW.isoformat()}, [2.0]),
        ({"cronScript": "deleted", "scheduledTime": NOW.isoformat()}, []),
        ({"cronScript": "nightly"}, []),
        (None, []),
    ],
)
def test_how_late_a_slots_run_was_made_is_told(fired_by: dict[str, Any] | None, delays: list[float]) -> None:
    told: list[float] = []
    board = MemoryBoard(cron_scripts={"nightly": make_cron_script()})
    record_made = build_slot_hook(board, told.append, lambda: NOW + timedelta(seconds=2))
    record_made(make_execution(firedBy=fired_by))
    assert told == delays


async def test_a_call_is_reviewed_run_and_counted() -> None:
    metrics, settings = Metrics(workers=1), read_pool_settings(LEAST)
    async with serving(ApiServer()) as server:
        config = Config(f"http://127.0.0.1:{server.port}", "team", None, token="the-runners-own")  # noqa: S106
        async with Client(config) as client, aiohttp.ClientSession() as session:
            board = ClusterBoard(client, "team")
            board.keep_script(Event("ADDED", make_script().to_wire()))
            stage = Stage(board, cast("EngineSandbox", ObedientSandbox()))
            internal = build_internal(settings, client, stage, lambda: True, metrics)
            await internal.start(0, "127.0.0.1")
            url = f"http://127.0.0.1:{internal.port}/v1/scripts/hello/invoke"
            async with session.post(url, headers={"Authorization": "Bearer callers.token"}) as answer:
                assert (answer.status, (await answer.json())["phase"]) == (200, "Succeeded")
            await internal.drain(0, 0)
    assert [each.authorization for each in server.asked] == [["Bearer callers.token"]] * 2
    read = metrics.registry.get_sample_value
    assert read("scriptorium_invocations_total", {"code": "200", "phase": "Succeeded"}) == 1
    assert read("scriptorium_invocation_duration_seconds_count") == 1
