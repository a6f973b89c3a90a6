"""The Event on a Script whose runs begin to fail, or to succeed again."""

from datetime import datetime

from scriptorium_api import names
from scriptorium_operator.facts import EndedRun, Manifest

#: What one Event holds of a message.
_MOST_MESSAGE = 1000


def build_outcome_event(run: EndedRun, script_uid: str, now: datetime) -> Manifest:
    """Give the Event; its name is the run's, so that it is made once."""
    moment = now.isoformat().replace("+00:00", "Z")
    namespace = run.key.namespace
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{run.script}.{run.uid}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": "Script",
            "name": run.script,
            "namespace": namespace,
            "uid": script_uid,
        },
        "type": "Normal" if run.is_success else "Warning",
        "reason": "RunsSucceed" if run.is_success else "RunsFail",
        "message": _describe(run)[:_MOST_MESSAGE],
        "source": {"component": names.MANAGER},
        "reportingComponent": names.MANAGER,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }


def _describe(run: EndedRun) -> str:
    if run.is_success:
        return f"run {run.key.name} succeeded; the one before it had not"
    return f"run {run.key.name} ended as {run.phase}, {run.reason}: {run.message}"
