"""The Lease by which the operator's replicas agree on one."""

from collections.abc import Callable
from datetime import datetime

import scriptorium_client as kubernetes
from scriptorium_api.values import frozen
from scriptorium_client import resources
from scriptorium_operator.facts import LeaseState, Manifest
from scriptorium_operator.gateways.errors import translated

NAME = "scriptorium-operator"


@frozen
class Replica:
    """Who asks for the Lease, where, and for how many seconds."""

    identity: str
    namespace: str
    seconds: int


class LeaseGateway:
    """Reads and writes the Lease as one replica; raises the errors of this package only."""

    def __init__(self, client: kubernetes.Client, replica: Replica, now: Callable[[], datetime]) -> None:
        self._client, self._replica, self._now = client, replica, now

    @property
    def identity(self) -> str:
        """Give what tells this replica from all others."""
        return self._replica.identity

    async def find(self) -> LeaseState | None:
        """Give the Lease as it is, if it is there."""
        with translated():
            item = await self._client.find(resources.LEASES, NAME, self._replica.namespace)
        if item is None:
            return None
        return LeaseState(
            (item.get("spec") or {}).get("holderIdentity") or "", item["metadata"]["resourceVersion"]
        )

    async def create(self) -> None:
        """Make the Lease; raises Outdated if it is there by now."""
        metadata: Manifest = {"name": NAME, "namespace": self._replica.namespace}
        lease = {
            "apiVersion": resources.LEASES.api_version,
            "kind": "Lease",
            "metadata": metadata,
            "spec": self._spec(),
        }
        with translated():
            # It goes with the release, however late a replica makes it.
            deployment = await self._client.find(resources.DEPLOYMENTS, NAME, self._replica.namespace)
            if deployment is not None:
                metadata["ownerReferences"] = [_refer_to(deployment)]
            await self._client.create(lease, resources.LEASES)

    async def take(self, former: LeaseState) -> None:
        """Take or renew the Lease as it was read; raises Outdated if it changed since."""
        await self._write(former, self._spec())

    async def give_up(self) -> None:
        """Let another replica take over at once, if this one holds the Lease."""
        state = await self.find()
        if state is not None and state.holder == self.identity:
            await self._write(state, {"holderIdentity": ""})

    async def _write(self, former: LeaseState, spec: Manifest) -> None:
        change = {"metadata": {"resourceVersion": former.version}, "spec": spec}
        with translated():
            await self._client.merge(resources.LEASES, NAME, self._replica.namespace, change)

    def _spec(self) -> Manifest:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._replica.seconds,
            "renewTime": self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


def _refer_to(deployment: Manifest) -> Manifest:
    metadata = deployment["metadata"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}
