import pytest

from scriptorium_api.script import Limits
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.host.http import Ending, HttpClient, HttpSettings
from scriptorium_runner.host.http.failures import Code
from scriptorium_runner.metrics import Metrics
from scriptorium_runner.pool import build_outside


def test_a_denied_call_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(workers=1)
    outside = build_outside(HttpClient(HttpSettings()), metrics)
    start = Start(source="", entrypoint=None, limits=Limits(), owner="uid", timeout_seconds=1, script="hello")
    for _ in range(2):
        outside.tell(start, Ending(outcome=Code.HOST_NOT_ALLOWED, host="evil.example.com", seconds=0.1))
    labels = {"outcome": "HOST_NOT_ALLOWED"}
    assert metrics.registry.get_sample_value("scriptorium_http_requests_total", labels) == 2
    assert [record.message for record in caplog.records] == ["http call denied"]
