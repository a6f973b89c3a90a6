from datetime import timedelta
from typing import Any

import pytest

from scriptorium_api.script import Limits
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.host.http import Ending, HttpClient, HttpSettings
from scriptorium_runner.host.http.failures import Code
from scriptorium_runner.metrics import Metrics
from scriptorium_runner.pool import build_outside, build_slot_hook
from tests.support.makers import NOW, make_execution
from tests.unit.runner.executions.fakes import MemoryBoard
from tests.unit.runner.schedules.fakes import make_cron_script


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
