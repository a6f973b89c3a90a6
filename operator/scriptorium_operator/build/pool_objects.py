"""All that a RunnerPool becomes."""

import hashlib
import json
from collections.abc import Sequence

from scriptorium_api import names
from scriptorium_api.env import ValueRef
from scriptorium_api.runner_pool import RunnerPool
from scriptorium_operator.build import accounts, deployment, disruption, network, runner_pod
from scriptorium_operator.facts import Address, Manifest, Tenant
from scriptorium_operator.settings import Settings


def build_pool_objects(
    pool: RunnerPool,
    tenant: Tenant,
    api_server: Sequence[Address],
    settings: Settings,
    values: Sequence[ValueRef] = (),
) -> list[Manifest]:
    """Give the manifests, in the order in which they are of use: the account before what runs as it."""
    runner = settings.runner
    place = runner_pod.build_place(pool, tenant, api_server, settings)
    manifests = [
        accounts.build_service_account(pool),
        accounts.build_role_binding(pool),
        *([network.build_network_policy(pool, api_server, runner)] if runner.has_network_policy else []),
        # With a single runner it would hold up every drain, or say nothing.
        *([disruption.build_disruption_budget(pool)] if pool.spec.replicas > 1 else []),
        network.build_service(pool),
        deployment.build_deployment(place, values),
    ]
    return [seal(manifest) for manifest in manifests]


def seal(manifest: Manifest) -> Manifest:
    """Give the manifest with the hash of itself.

    A live object that has all of our values may still have one that we no longer want, such as a
    toleration; then its hash is another, it lacks ours, and applying takes the old value away.
    """
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    annotations = {names.APPLIED_HASH: hashlib.sha256(text.encode()).hexdigest()[:16]}
    metadata = manifest["metadata"]
    return manifest | {"metadata": metadata | {"annotations": metadata.get("annotations", {}) | annotations}}
