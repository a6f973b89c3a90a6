"""How the runners of a pool are reached, and what they reach."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from scriptorium_api import names
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import http_egress, ownership
from scriptorium_operator.build.deployment import HTTP_PORT, INTERNAL_PORT, METRICS_PORT, PORTS
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
            "ports": [
                {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
                for name, port in sorted(PORTS.items())
            ],
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
            "ingress": _build_ingress(runner),
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


def _build_ingress(runner: RunnerSettings) -> list[Manifest]:
    endpoints = runner.endpoints
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in endpoints.from_cidrs]
    callers = [*_build_namespaces(endpoints.from_namespaces), *blocks]
    readers = _build_namespaces(runner.metrics_from)
    return [
        _build_way_in(callers, HTTP_PORT),
        # From everywhere in the cluster: each caller has to show a token.
        _build_way_in([{"namespaceSelector": {}}], INTERNAL_PORT),
        *([_build_way_in(readers, METRICS_PORT)] if readers else []),
    ]


def _build_way_in(peers: list[Manifest], port: int) -> Manifest:
    """Give the rule that lets these in; without any, everybody, also who has an address of no pod."""
    return ({"from": peers} if peers else {}) | {"ports": [{"protocol": "TCP", "port": port}]}


def _build_namespaces(namespaces: Iterable[str]) -> list[Manifest]:
    return [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}} for name in namespaces
    ]
