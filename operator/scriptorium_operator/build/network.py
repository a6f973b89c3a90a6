"""How the runners of a pool are reached, and what they reach."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import http_egress, ownership
from scriptorium_operator.build.deployment import METRICS_PORT
from scriptorium_operator.facts import Address, Manifest
from scriptorium_operator.settings import RunnerSettings


def build_service(pool: RunnerPool) -> Manifest:
    """Give the Service that leads to the ready runners."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": ownership.build_metadata(pool),
        "spec": {
            "type": "ClusterIP",
            "selector": names.runner_selector(pool.metadata.name),
            "ports": [{"name": "metrics", "port": METRICS_PORT, "protocol": "TCP", "targetPort": "metrics"}],
        },
    }


def build_network_policy(pool: RunnerPool, api_server: Iterable[Address], runner: RunnerSettings) -> Manifest:
    """Give the policy that denies everything but what runners need, and what scripts may reach."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": ownership.build_metadata(pool),
        "spec": {
            # Runs that have a pod of their own are no less hostile than those in the pool's pods.
            "podSelector": {
                "matchLabels": {
                    "app.kubernetes.io/name": "scriptorium",
                    "app.kubernetes.io/instance": pool.metadata.name,
                },
                "matchExpressions": [
                    {
                        "key": "app.kubernetes.io/component",
                        "operator": "In",
                        "values": ["runner", "run"],
                    }
                ],
            },
            "policyTypes": ["Ingress", "Egress"],
            "egress": [
                _build_dns_rule(),
                *_build_api_server_rules(api_server),
                *http_egress.build_http_egress(runner.http),
            ],
            "ingress": _build_ingress(list(runner.metrics_from)),
        },
    }


def _build_dns_rule() -> Manifest:
    # To any address: DNS may be pods, an address of the node itself, or outside of the cluster.
    return {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}


def _build_api_server_rules(addresses: Iterable[Address]) -> list[Manifest]:
    present = (address for address in addresses if not address.is_former)
    by_port = groupby(sorted(present, key=attrgetter("port", "ip")), key=attrgetter("port"))
    return [
        {
            "to": [{"ipBlock": {"cidr": _render_cidr(address.ip)}} for address in group],
            "ports": [{"protocol": "TCP", "port": port}],
        }
        for port, group in by_port
    ]


def _render_cidr(ip: str) -> str:
    return f"{ip}/{128 if ':' in ip else 32}"


def _build_ingress(namespaces: list[str]) -> list[Manifest]:
    if not namespaces:
        return []
    peers = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in namespaces
    ]
    return [{"from": peers, "ports": [{"protocol": "TCP", "port": METRICS_PORT}]}]
