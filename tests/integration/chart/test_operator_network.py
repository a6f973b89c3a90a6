"""What the operator's NetworkPolicy lets through, as rendered; no network enforces it here."""

from typing import Any

from tests.integration.chart.rendering import render, render_one

DNS = {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def policy(*options: str) -> dict[str, Any]:
    spec: dict[str, Any] = render_one("NetworkPolicy", "scriptorium-operator", *options)["spec"]
    return spec


def test_it_is_about_the_operator_in_both_directions() -> None:
    spec = policy()
    labels = render_one("Deployment", "scriptorium-operator")["spec"]["template"]["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= labels.items()
    assert spec["policyTypes"] == ["Ingress", "Egress"]


def test_in_come_webhook_calls_and_nothing_else() -> None:
    assert policy()["ingress"] == [{"ports": [{"protocol": "TCP", "port": "webhook"}]}]


def test_named_namespaces_may_read_the_metrics() -> None:
    _, metrics = policy("--set=networkPolicy.metricsFrom={monitoring}")["ingress"]
    assert metrics == {
        "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "ports": [{"protocol": "TCP", "port": "health"}],
    }


def test_out_go_dns_and_the_api_servers_ports() -> None:
    ports = [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]
    assert policy()["egress"] == [DNS, {"ports": ports}]


def test_the_api_servers_address_can_be_named() -> None:
    prefix = "--set=networkPolicy.apiServer"
    assert policy(f"{prefix}.cidrs={{10.0.0.1/32}}", f"{prefix}.ports={{16443}}")["egress"][1] == {
        "ports": [{"protocol": "TCP", "port": 16443}],
        "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}],
    }


def test_without_network_policies_there_is_none() -> None:
    rendered = render("--set=networkPolicy.enabled=false")
    assert not [item for item in rendered if item["kind"] == "NetworkPolicy"]
