"""The Ingress of a host: its paths lead to the pool, whose runners decide about all the rest."""

from collections.abc import Sequence

from scriptorium_api import names, owners
from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.endpoints.paths import parse_pattern
from scriptorium_operator.build import pool_objects
from scriptorium_operator.endpoint_facts import IngressPlace
from scriptorium_operator.facts import Manifest

#: The port of the pool's Service that Endpoints are reached at.
_PORT = "http"


def build_ingress(place: IngressPlace, endpoints: Sequence[Endpoint]) -> Manifest:
    """Give the Ingress of these Endpoints: the same ones, in whatever order, give the same one.

    It goes with the last of its owners; none of them is the one that controls it.
    """
    members = sorted(endpoints, key=lambda each: (each.metadata.name, each.metadata.uid))
    return pool_objects.seal(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {
                "name": place.key.name,
                "namespace": place.namespace,
                "labels": names.ingress_labels(),
                "ownerReferences": [owners.build_shared_owner("Endpoint", each.metadata) for each in members],
            },
            "spec": _build_spec(place, members),
        }
    )


def _build_spec(place: IngressPlace, members: Sequence[Endpoint]) -> Manifest:
    chosen = {"ingressClassName": place.ingress_class} if place.ingress_class else {}
    secret = {"tls": [{"hosts": [place.host], "secretName": place.tls_secret}]} if place.tls_secret else {}
    paths = sorted({parse_pattern(each.spec.path).literal_prefix for each in members})
    rule = {"host": place.host, "http": {"paths": [_build_path(path) for path in paths]}}
    return chosen | secret | {"rules": [rule]}


def _build_path(path: str) -> Manifest:
    # Also where the whole pattern is literal: 404, 405 and what is not canonical are the runner's to answer.
    service = {"name": names.pool_object_name(names.DEFAULT_POOL), "port": {"name": _PORT}}
    return {"path": path, "pathType": "Prefix", "backend": {"service": service}}
