"""Endpoints of files, and the Secrets that they name."""

import base64
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scriptorium_api.endpoints.endpoint import Endpoint
from scriptorium_api.env import Origin
from scriptorium_runner.sources.manifests import Loaded


def place_endpoints(
    loaded: Loaded, known: Mapping[tuple[str, str], Endpoint], now: datetime, namespace: str
) -> dict[tuple[str, str], Endpoint]:
    """Give the Endpoints of the files by namespace and name, each with what an API server adds to it."""
    placed: dict[tuple[str, str], Endpoint] = {}
    for found in loaded.objects:
        if isinstance(found.object, Endpoint):
            metadata = found.object.metadata
            key = (metadata.namespace or namespace, metadata.name)
            former = known.get(key)
            added = {
                "namespace": key[0],
                "uid": former.metadata.uid if former else str(uuid.uuid4()),
                "creation_timestamp": former.metadata.creation_timestamp if former else now,
            }
            placed[key] = found.object.model_copy(update={"metadata": metadata.model_copy(update=added)})
    return placed


class FileSecrets:
    """The Secrets of one namespace of the files."""

    def __init__(self, secrets: Mapping[tuple[str, str], dict[str, Any]], namespace: str) -> None:
        self._secrets, self._namespace = secrets, namespace

    def read(self, name: str) -> dict[str, bytes] | None:
        """Give all values of a Secret by their keys; None if it is not there."""
        found = self._secrets.get((self._namespace, name))
        return read_all(found, Origin.SECRET) if found is not None else None

    def read_key(self, name: str, key: str) -> bytes | None:
        """Give one value of a Secret; None if the Secret or the key is not there."""
        return (self.read(name) or {}).get(key)


def read_all(holder: Mapping[str, Any], origin: Origin) -> dict[str, bytes]:
    """Give the values of a Secret or a ConfigMap by their keys; plain text beats what is encoded."""
    texts = holder.get("stringData" if origin is Origin.SECRET else "data") or {}
    encoded = holder.get("data" if origin is Origin.SECRET else "binaryData") or {}
    plain = {key: str(text).encode("utf-8", "surrogatepass") for key, text in texts.items()}
    return {key: base64.b64decode(text) for key, text in encoded.items()} | plain
