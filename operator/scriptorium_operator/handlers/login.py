"""How kopf reaches the API server: as the pod's account, or from a checkout by KUBECONFIG."""

from typing import Any

import kopf


@kopf.on.login()
def log_in(**arguments: Any) -> kopf.ConnectionInfo | None:
    """Give kopf its credentials."""
    return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)
