"""The Script that a CronScript or an Endpoint owns for what stands inline in it."""

from scriptorium_api import names, owners
from scriptorium_api.base import Metadata
from scriptorium_api.script import Code
from scriptorium_operator.build import pool_objects
from scriptorium_operator.facts import Manifest


def build_inline_script(kind: str, owner: Metadata, code: Code) -> Manifest:
    """Give the Script: it is judged and run like any other, and goes with its owner."""
    return pool_objects.seal(
        {
            "apiVersion": names.API_VERSION,
            "kind": "Script",
            "metadata": {
                "name": names.inline_script_name(owner.name, kind),
                "namespace": owner.namespace,
                "labels": names.inline_script_labels(),
                "ownerReferences": [owners.build_owner(kind, owner)],
            },
            "spec": code.to_wire(),
        }
    )
