"""The objects that a cluster has before its first user: names, an ingress class and who may read them."""

from typing import Any

from tests.cluster import layout as place

RBAC = "rbac.authorization.k8s.io"
READ = ["get", "list", "watch"]


def render_name_service() -> list[dict[str, Any]]:
    """Return the Service behind which the CoreDNS of the node answers."""
    ports = [("dns", "UDP"), ("dns-tcp", "TCP")]
    metadata = {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
    service_ports = [{"name": name, "protocol": protocol, "port": 53} for name, protocol in ports]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"clusterIP": place.DNS_SERVICE_ADDRESS, "ports": service_ports},
    }
    slice_labels = {
        "kubernetes.io/service-name": "kube-dns",
        "endpointslice.kubernetes.io/managed-by": "scriptorium-test-cluster",
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata | {"labels": slice_labels},
        "addressType": "IPv4",
        "ports": service_ports,
        "endpoints": [{"addresses": [place.NODE_ADDRESS], "conditions": {"ready": True}}],
    }
    rules = [
        _allow([""], ["services", "pods", "namespaces", "endpoints"], ["list", "watch"]),
        _allow(["discovery.k8s.io"], ["endpointslices"], ["list", "watch"]),
        _allow(["multicluster.x-k8s.io"], ["serviceimports"], ["list", "watch"]),
    ]
    return [service, endpoints, *render_role("coredns", rules)]


def render_ingress_controller() -> list[dict[str, Any]]:
    """Return the ingress class of Traefik, the default one, and Traefik's rights."""
    ingress_class = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {
            "name": "traefik",
            "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"},
        },
        "spec": {"controller": "traefik.io/ingress-controller"},
    }
    rules = [
        _allow([""], ["services", "secrets", "nodes", "configmaps", "namespaces"], READ),
        _allow(["discovery.k8s.io"], ["endpointslices"], READ),
        _allow(["networking.k8s.io"], ["ingresses", "ingressclasses"], READ),
        _allow(["networking.k8s.io"], ["ingresses/status"], ["update"]),
    ]
    return [ingress_class, *render_role("traefik", rules)]


def render_pod(name: str) -> dict[str, Any]:
    """Return a pod that does nothing but run."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "pause", "image": place.PAUSE_IMAGE}]},
    }


def render_role(user: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what gives a user of ours these rights in the whole cluster."""
    name = f"test-cluster:{user}"
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    return [role, binding]


def _allow(groups: list[str], resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}
