"""The webhook configurations of the API server: read, and told by which certificates it knows us."""

import base64
import binascii

import scriptorium_client as kubernetes
from scriptorium_api import names
from scriptorium_client import resources
from scriptorium_operator.facts import Manifest, WebhookConfiguration
from scriptorium_operator.gateways import certificates
from scriptorium_operator.gateways.errors import translated

_RESOURCES = (resources.VALIDATING_WEBHOOKS, resources.MUTATING_WEBHOOKS)


class Webhooks:
    """Reads and writes them; every replica does, since every replica is asked."""

    def __init__(self, client: kubernetes.Client) -> None:
        self._client = client

    async def find_all(self, name: str) -> list[WebhookConfiguration]:
        """Give the configurations of this name, those that are there."""
        with translated():
            found = [await self._client.find(resource, name) for resource in _RESOURCES]
        return [read_configuration(item) for item in found if item is not None]

    async def apply(self, manifest: Manifest) -> None:
        """Change what is ours of one; raises Outdated if it changed since it was read."""
        with translated():
            await self._client.apply(manifest, resources.of_manifest(manifest), names.MANAGER)


def read_configuration(item: Manifest) -> WebhookConfiguration:
    """Give what a configuration says of our certificates."""
    return WebhookConfiguration(
        kind=item["kind"],
        version=item["metadata"]["resourceVersion"],
        bundles={
            webhook["name"]: certificates.read_bundle(_decode(webhook["clientConfig"].get("caBundle") or ""))
            for webhook in item.get("webhooks") or []
        },
    )


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text).decode(errors="replace")
    except binascii.Error:
        return ""
