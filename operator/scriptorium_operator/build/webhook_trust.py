"""The one field of a webhook configuration that is ours: by which certificates the API server knows us."""

import base64

from scriptorium_operator.facts import Certificate, Manifest, WebhookConfiguration

#: Both of the chart's configurations have this name.
NAME = "scriptorium"


def build_webhook_trust(former: WebhookConfiguration, bundle: tuple[Certificate, ...]) -> Manifest:
    """Give what is applied; all else in the configuration is the chart's."""
    encoded = base64.b64encode("".join(each.pem for each in bundle).encode()).decode()
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": former.kind,
        "metadata": {"name": NAME, "resourceVersion": former.version},
        "webhooks": [{"name": name, "clientConfig": {"caBundle": encoded}} for name in former.bundles],
    }
