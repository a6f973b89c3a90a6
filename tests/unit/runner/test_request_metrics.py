from prometheus_client import CollectorRegistry

from scriptorium_api.reasons import Reason
from scriptorium_runner.endpoints.endings import Times
from scriptorium_runner.engine import Result
from scriptorium_runner.request_metrics import RequestMetrics
from tests.support.callers import make_call
from tests.support.endings import make_ended, make_entry
from tests.support.endpoints import make_endpoint


def make_metrics() -> tuple[RequestMetrics, CollectorRegistry]:
    registry = CollectorRegistry()
    return RequestMetrics(registry), registry


def test_requests_are_counted_by_endpoint_method_and_status() -> None:
    metrics, registry = make_metrics()
    for _ in range(2):
        metrics.count(make_ended())
    metrics.count(make_ended(answer=None, rejected="gone"))
    read = registry.get_sample_value
    labels = {"endpoint": "orders", "method": "GET"}
    assert read("scriptorium_endpoint_requests_total", labels | {"code": "200"}) == 2
    assert read("scriptorium_endpoint_requests_total", labels | {"code": "499"}) == 1
    assert read("scriptorium_endpoint_rejections_total", {"reason": "gone"}) == 1


def test_where_the_time_went_is_counted_of_what_a_script_answered() -> None:
    metrics, registry = make_metrics()
    result = Result(reason=Reason.COMPLETED, duration_ms=1, started_at=None)
    times = Times(deciding=0.25, queueing=0.25, working=0.25, total=1.0)
    metrics.count(make_ended(result=result, times=times))
    metrics.count(make_ended(rejected="auth", times=times))
    read = registry.get_sample_value
    for part in ("deciding", "queueing", "working", "converting"):
        assert read("scriptorium_endpoint_part_seconds_sum", {"part": part}) == 0.25
    assert read("scriptorium_endpoint_request_seconds_count") == 2


def test_what_callers_and_teams_invent_makes_no_series_without_end() -> None:
    metrics, registry = make_metrics()
    for number in range(300):
        entry = make_entry(endpoint=make_endpoint(f"e-{number}"))
        metrics.count(make_ended(entry=entry, call=make_call(method=f"M{number}")))
        metrics.count(make_ended(entry=entry))
    (family,) = (each for each in registry.collect() if each.name == "scriptorium_endpoint_requests")
    totals = [each for each in family.samples if each.name.endswith("_total")]
    assert len(totals) <= 2 * 201
    assert sum(each.value for each in totals) == 600
    others = {"endpoint": "other", "method": "other", "code": "200"}
    assert registry.get_sample_value("scriptorium_endpoint_requests_total", others) == 100
