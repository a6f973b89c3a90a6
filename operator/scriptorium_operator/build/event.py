"""Events: what is told on an object of ours, for those who look at it with `kubectl describe`."""

from datetime import datetime
from typing import Literal

from scriptorium_api import names
from scriptorium_api.values import frozen
from scriptorium_operator.facts import Key, Manifest

#: What one Event holds of a message.
_MOST_MESSAGE = 1000


@frozen(kw_only=True)
class News:
    """What is told, and on which object."""

    subject: Key
    subject_uid: str
    mark: str
    """What tells it from other news of the object: it is told once."""
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def build_event(news: News, now: datetime) -> Manifest:
    """Give the Event; its name is made of what it tells, so that it is made once."""
    moment = now.isoformat().replace("+00:00", "Z")
    subject = news.subject
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{subject.name}.{news.mark}", "namespace": subject.namespace},
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": subject.kind.value,
            "name": subject.name,
            "namespace": subject.namespace,
            "uid": news.subject_uid,
        },
        "type": news.type,
        "reason": news.reason,
        "message": news.message[:_MOST_MESSAGE],
        "source": {"component": names.MANAGER},
        "reportingComponent": names.MANAGER,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
