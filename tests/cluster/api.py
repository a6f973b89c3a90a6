"""A few calls to the API server, as its administrator, without waiting for a client program."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from tests.cluster import layout as place
from tests.cluster.errors import ClusterError
from tests.cluster.layout import Layout

COLLECTIONS = {
    "Pod": "pods",
    "Service": "services",
    "EndpointSlice": "endpointslices",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "IngressClass": "ingressclasses",
}


def call(layout: Layout, method: str, path: str, body: dict[str, Any] | None = None) -> bytes | None:
    """Return the answer to one call, or nothing if there is none or it is no."""
    headers = {"Content-Type": "application/apply-patch+yaml"} if body else {}
    data = json.dumps(body).encode() if body else None
    # The scheme is fixed: it is our own address.
    request = urllib.request.Request(place.API_URL + path, data, headers, method=method)  # noqa: S310
    try:
        with _open(layout, request) as response:
            content: bytes = response.read()
            return content
    except (urllib.error.URLError, OSError):
        return None


def _open(layout: Layout, request: urllib.request.Request) -> Any:
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
    # No proxy: the node is one cable away, whatever the environment says.
    no_proxy = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(no_proxy, urllib.request.HTTPSHandler(context=context))
    return opener.open(request, timeout=5)


def is_ready(layout: Layout) -> bool:
    """Tell whether the API server says that it is ready."""
    return (layout.pki / "admin.crt").exists() and call(layout, "GET", "/readyz") == b"ok"


def is_node_ready(layout: Layout) -> bool:
    """Tell whether the node is Ready."""
    answer = call(layout, "GET", f"/api/v1/nodes/{place.NODE_NAME}")
    conditions = json.loads(answer)["status"].get("conditions", []) if answer else []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_pod_running(layout: Layout, name: str) -> bool:
    """Tell whether a pod of the default namespace runs."""
    answer = call(layout, "GET", f"/api/v1/namespaces/default/pods/{name}")
    return bool(answer and json.loads(answer)["status"].get("phase") == "Running")


def exists(layout: Layout, path: str) -> bool:
    """Tell whether an object exists."""
    return call(layout, "GET", path) is not None


def apply(layout: Layout, manifest: dict[str, Any]) -> None:
    """Apply one object on the server's side."""
    path = render_path(manifest) + "?fieldManager=scriptorium-cluster&force=true"
    if call(layout, "PATCH", path, manifest) is None:
        raise ClusterError(f"could not apply {manifest['kind']} {manifest['metadata']['name']}")


def render_path(manifest: dict[str, Any]) -> str:
    """Return the path of an object of one of the few kinds we apply."""
    version = manifest["apiVersion"]
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    metadata = manifest["metadata"]
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{group}{namespace}/{COLLECTIONS[manifest['kind']]}/{metadata['name']}"


def answers(url: str) -> bool:
    """Tell whether a part of the node answers well to a plain request."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
