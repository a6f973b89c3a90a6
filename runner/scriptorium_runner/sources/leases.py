"""Leases: each runner renews its own, and reads those of the others."""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from scriptorium_api import names
from scriptorium_api.execution import Holder
from scriptorium_client import ApiError, Client
from scriptorium_client.client import Manifest
from scriptorium_client.resources import LEASES
from scriptorium_runner.executions.errors import Unreachable
from scriptorium_runner.executions.lives import LEASE_SECONDS, Sign

log = logging.getLogger(__name__)

#: Three renewals may be late before anybody takes a runner for gone.
RENEW_SECONDS = LEASE_SECONDS / 3

#: A runner that was not heard for this long takes no new runs.
TRUST_SECONDS = LEASE_SECONDS * 2 / 3

_MANAGER = "scriptorium-runner"


class Leases:
    """This runner's lease, and those of its pool."""

    def __init__(self, client: Client, namespace: str, pool: str, holder: Holder) -> None:
        self._client, self._namespace, self._pool, self._holder = client, namespace, pool, holder
        self._held = asyncio.Event()
        self._renewed = float("-inf")

    @property
    def is_held(self) -> bool:
        """Say whether the others take this runner for alive: one that is not heard must take nothing new."""
        return time.monotonic() - self._renewed < TRUST_SECONDS

    async def wait_until_held(self) -> None:
        """Wait until the lease was made by this start of the runner."""
        await self._held.wait()

    async def renew(self) -> None:
        """Renew for ever; nothing else waits for it."""
        while True:
            begun = time.monotonic()
            try:
                # A request that hangs is given up in time for another one.
                async with asyncio.timeout(RENEW_SECONDS):
                    await self.renew_once()
                self._renewed = begun
                self._held.set()
            except (ApiError, TimeoutError) as error:
                log.warning(
                    "cannot renew the lease, trying again", extra={"error": str(error) or "timed out"}
                )
            await asyncio.sleep(max(1.0, RENEW_SECONDS - (time.monotonic() - begun)))

    async def renew_once(self) -> None:
        """Make the lease, or renew it; raises ApiError."""
        lease = build_lease(self._namespace, self._pool, self._holder, datetime.now(UTC))
        await self._client.apply(lease, LEASES, _MANAGER)

    async def give_up(self) -> None:
        """Remove the lease at the end of this runner; what it still held is taken up at once."""
        try:
            await self._client.delete(LEASES, self._holder.pod, self._namespace)
        except ApiError as error:
            log.info("the lease stays until its pod is gone", extra={"error": str(error)})

    async def look(self) -> Mapping[str, Sign]:
        """Give what the leases of the pool's runners show, by pod UID; raises Unreachable."""
        labels = ",".join(f"{key}={value}" for key, value in names.runner_selector(self._pool).items())
        try:
            leases = await self._client.list_all(LEASES, self._namespace, labels=labels)
        except ApiError as error:
            raise Unreachable(str(error)) from error
        return dict(map(read_lease, leases))


def build_lease(namespace: str, pool: str, holder: Holder, now: datetime) -> Manifest:
    """Give the lease of one start of one runner; it goes with the runner's pod."""
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {
            "name": holder.pod,
            "namespace": namespace,
            "labels": names.runner_labels(pool),
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": holder.pod, "uid": holder.uid}],
        },
        "spec": {
            "holderIdentity": f"{holder.uid}/{holder.start_id}",
            "leaseDurationSeconds": int(LEASE_SECONDS),
            "renewTime": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        },
    }


def read_lease(lease: Manifest) -> tuple[str, Sign]:
    """Give the pod's UID and what the lease shows."""
    spec = lease.get("spec") or {}
    uid, _, start_id = (spec.get("holderIdentity") or "").partition("/")
    return uid, Sign(start_id, lease["metadata"]["resourceVersion"])
