"""Endpoints to start from; a test changes the one thing it is about."""

from datetime import timedelta
from typing import Any

from scriptorium_api.endpoints.endpoint import Endpoint
from tests.support.makers import NOW


def make_endpoint(
    name: str = "orders", path: str = "/orders", *, namespace: str = "team", age: int = 0, **spec: Any
) -> Endpoint:
    """Give an Endpoint as the API server would, made `age` seconds before now."""
    return Endpoint.from_wire(
        {
            "apiVersion": "scriptorium.dev/v1alpha1",
            "kind": "Endpoint",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": f"{namespace}-{name}",
                "generation": 1,
                "creationTimestamp": (NOW - timedelta(seconds=age)).isoformat(),
            },
            "spec": {"path": path, "scriptRef": {"name": "hello"}, "auth": [{"none": {}}]} | spec,
        }
    )
