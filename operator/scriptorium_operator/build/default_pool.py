"""The RunnerPool that a namespace gets when it first needs one."""

from scriptorium_api import names
from scriptorium_operator.facts import Manifest


def build_default_pool(namespace: str) -> Manifest:
    """Give the manifest: no spec, so that every field of it is the user's to set."""
    return build_bare_pool(namespace) | {
        "metadata": {
            "name": names.DEFAULT_POOL,
            "namespace": namespace,
            "labels": names.runner_labels(names.DEFAULT_POOL),
        }
    }


def build_bare_pool(namespace: str) -> Manifest:
    """Give the manifest that claims nothing: applied, it takes back what we claimed before."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": "RunnerPool",
        "metadata": {"name": names.DEFAULT_POOL, "namespace": namespace},
    }
