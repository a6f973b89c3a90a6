"""The Job that a runner's pod is of: it alone knows which slot it was made for."""

from datetime import datetime

from scriptorium_api.values import frozen
from scriptorium_client import ApiError, Client
from scriptorium_client.resources import JOBS
from scriptorium_runner.sources.cluster import translate

#: The CronJob controller writes the slot there; a Job that somebody made from the CronJob has none.
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@frozen
class SlotJob:
    """A Job of a CronScript, and its slot; None if it was started by hand."""

    name: str
    uid: str
    created: datetime
    slot: datetime | None


async def find_slot_job(client: Client, namespace: str, name: str) -> SlotJob:
    """Read the Job; raises BoardError, and Vanished if it is gone."""
    try:
        item = await client.get(JOBS, name, namespace)
    except ApiError as error:
        raise translate(error) from error
    metadata = item["metadata"]
    scheduled = metadata.get("annotations", {}).get(SCHEDULED)
    return SlotJob(
        name=metadata["name"],
        uid=metadata["uid"],
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        slot=datetime.fromisoformat(scheduled) if scheduled else None,
    )
