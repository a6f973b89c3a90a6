from scriptorium_runner.host.http import Ending
from scriptorium_runner.host.http.failures import Code
from scriptorium_runner.metrics import Metrics


def test_denied_calls_are_counted_by_their_code_and_never_by_the_host_that_a_script_chose() -> None:
    metrics = Metrics(workers=1)
    for host in ("a.example.com", "b.example.com"):
        metrics.count_http(Ending(outcome=Code.HOST_NOT_ALLOWED, host=host, seconds=0.1))
    metrics.count_http(Ending(outcome=Code.ADDRESS_NOT_ALLOWED, host="c.example.com", seconds=0.1))
    (family,) = (each for each in metrics.registry.collect() if each.name == "scriptorium_http_requests")
    counts = [(each.labels, each.value) for each in family.samples if each.name.endswith("_total")]
    assert counts == [({"outcome": "HOST_NOT_ALLOWED"}, 2), ({"outcome": "ADDRESS_NOT_ALLOWED"}, 1)]


def test_slots_are_counted_with_how_late_their_runs_were_made() -> None:
    metrics = Metrics(workers=1)
    for delay in (0.04, 2.0):
        metrics.count_slot(delay)
    read = metrics.registry.get_sample_value
    assert read("scriptorium_slots_fired_total") == 2
    assert read("scriptorium_slot_delay_seconds_bucket", {"le": "0.05"}) == 1
    assert read("scriptorium_slot_delay_seconds_sum") == 2.04
