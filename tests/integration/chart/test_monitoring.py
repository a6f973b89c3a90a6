"""How Prometheus finds operator and runners.

The CRDs of the monitors are not ours to keep here: an API server that had those of Prometheus Operator 0.85
took both, with strict validation. What changes with us is what they refer to, and that is held here.
"""

from typing import Any

from scriptorium_api import names
from scriptorium_operator.build.deployment import METRICS_PORT
from tests.integration.chart.rendering import render, render_one

ON = "--set=serviceMonitor.enabled=true"


def operator_container() -> dict[str, Any]:
    template = render_one("Deployment", "scriptorium-operator")["spec"]["template"]
    container: dict[str, Any] = template["spec"]["containers"][0]
    return container


def test_the_operators_metrics_have_a_service() -> None:
    service = render_one("Service", "scriptorium-operator-metrics")["spec"]
    (port,) = service["ports"]
    assert (port["name"], port["port"]) == ("metrics", 8080)
    ports = {each["name"]: each["containerPort"] for each in operator_container()["ports"]}
    assert ports[port["targetPort"]] == port["port"]
    labels = render_one("Deployment", "scriptorium-operator")["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


def test_monitors_are_made_only_where_they_are_asked_for() -> None:
    kinds = {"ServiceMonitor", "PodMonitor"}
    assert not kinds & {item["kind"] for item in render()}
    assert kinds <= {item["kind"] for item in render(ON)}


def test_the_operators_monitor_finds_its_service() -> None:
    monitor = render_one("ServiceMonitor", "scriptorium-operator", ON)
    service = render_one("Service", "scriptorium-operator-metrics")
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"] == [{"port": service["spec"]["ports"][0]["name"], "interval": "30s"}]


def test_the_runners_monitor_finds_the_pods_of_every_pool() -> None:
    spec = render_one("PodMonitor", "scriptorium-runner", ON)["spec"]
    assert spec["namespaceSelector"] == {"any": True}
    for pool in ("default", "another"):
        assert spec["selector"]["matchLabels"].items() <= names.runner_selector(pool).items()
    assert spec["podMetricsEndpoints"] == [{"port": "metrics", "interval": "30s"}]
    assert METRICS_PORT == 8081


def test_monitors_have_the_labels_that_prometheus_selects_by() -> None:
    options = (ON, "--set=serviceMonitor.labels.release=prometheus", "--set=serviceMonitor.interval=5s")
    for kind, name in (("ServiceMonitor", "scriptorium-operator"), ("PodMonitor", "scriptorium-runner")):
        monitor = render_one(kind, name, *options)
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        assert "interval: 5s" in str(monitor["spec"]).replace("'", "")
