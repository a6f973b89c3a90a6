"""From raw Endpoints and Ingresses to facts."""

import logging
from typing import Any

from pydantic import ValidationError

from scriptorium_api.endpoints.endpoint import Endpoint, EndpointStatus
from scriptorium_operator.endpoint_facts import IngressState
from scriptorium_operator.facts import Manifest

log = logging.getLogger(__name__)


#: Deeper than any schema that is taken, and not deeper than a model can hold.
_MOST_LEVELS = 100


def read_endpoint(item: Manifest) -> Endpoint:
    """Give an Endpoint; of a schema that is too deep for a model there is enough left to say so."""
    spec = item.get("spec") or {}
    if "requestSchema" in spec:
        spec = spec | {"requestSchema": _cut(spec["requestSchema"], _MOST_LEVELS)}
    return Endpoint.from_stored(dict(item) | {"spec": spec})


def _cut(value: Any, levels: int) -> Any:
    if levels == 0 and isinstance(value, (dict, list)):
        return None
    if isinstance(value, dict):
        return {key: _cut(below, levels - 1) for key, below in value.items()}
    return [_cut(below, levels - 1) for below in value] if isinstance(value, list) else value


def read_claimant(item: Manifest) -> Endpoint | None:
    """Give an Endpoint without what is large or changes by itself; None if it is going, or cannot be read.

    One that is going takes requests no more: others need not wait for it.
    """
    metadata = item["metadata"]
    if "deletionTimestamp" in metadata:
        return None
    try:
        endpoint = read_endpoint(item)
    except ValidationError as error:
        # A newer version of the API may have stored it; one such must not keep us from all the others.
        log.warning(
            "an Endpoint cannot be read",
            extra={
                "namespace": metadata["namespace"],
                "object": metadata["name"],
                "error": str(error.error_count()),
            },
        )
        return None
    spec = endpoint.spec.model_copy(update={"script": None, "request_schema": None})
    return endpoint.model_copy(update={"spec": spec, "status": EndpointStatus()})


def read_ingress(item: Manifest) -> IngressState:
    """Give what an Ingress tells of itself."""
    status = item.get("status") or {}
    published = (status.get("loadBalancer") or {}).get("ingress") or []
    addresses = (each.get("ip") or each.get("hostname") or "" for each in published)
    return IngressState(item["metadata"]["name"], tuple(sorted(filter(None, addresses))))


def is_of_endpoints(item: Manifest) -> bool:
    """Say whether an object is owned by Endpoints."""
    return any(owner["kind"] == "Endpoint" for owner in item["metadata"].get("ownerReferences", []))
