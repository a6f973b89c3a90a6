"""Which Ingress an Endpoint belongs to. Pure."""

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_operator.endpoint_facts import IngressPlace


def find_place(endpoint: Endpoint, default_class: str) -> IngressPlace | None:
    """Give where an Endpoint is; None for one without a host."""
    spec = endpoint.spec
    if spec.host is None:
        return None
    return IngressPlace(
        namespace=endpoint.metadata.namespace,
        host=spec.host,
        ingress_class=spec.ingress_class_name or default_class,
        tls_secret=spec.tls.secret_name if spec.tls else "",
    )
