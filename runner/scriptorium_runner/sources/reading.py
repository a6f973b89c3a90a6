"""From the API server's objects to what the loop knows. Pure."""

import json

from pydantic import ValidationError

from scriptorium_api.execution import ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_client import parsing
from scriptorium_client.client import Manifest

_OPEN = {Phase.PENDING.value, Phase.RUNNING.value}


def read_execution(item: Manifest) -> ScriptExecution:
    """Read a run; raises pydantic's ValidationError.

    Input that is nested too deeply for the model is cut; the run is refused for it when it is its turn.
    """
    try:
        return ScriptExecution.from_stored(item)
    except ValidationError:
        return ScriptExecution.from_stored(json.loads(parsing.prune(json.dumps(item).encode())))


def is_open(item: Manifest) -> bool:
    """Say whether a run has not ended, by the phases that this version knows."""
    return item.get("status", {}).get("phase", Phase.PENDING) in _OPEN


def is_cancelled(item: Manifest) -> bool:
    """Say whether a run has to stop, without reading all of it."""
    return bool(item["spec"].get("cancel")) or "replacedBy" in item.get("status", {})


def find_firing(item: Manifest) -> str | None:
    """Give the name of the CronScript that fired a run, if one did."""
    name: str | None = item["spec"].get("firedBy", {}).get("cronScript")
    return name


def is_ready(pod: Manifest) -> bool:
    """Say whether a runner pod takes runs: ready, and not on its way out."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
