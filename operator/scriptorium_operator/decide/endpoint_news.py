"""What of an Endpoint's status is worth an Event. Pure."""

from collections.abc import Iterable

from scriptorium_api.conditions import Condition
from scriptorium_api.endpoints.endpoint import Endpoint, EndpointStatus
from scriptorium_operator.endpoint_facts import EndpointNews
from scriptorium_operator.facts import READY, SUSPENDED, Key

#: What passes by itself while a pool starts, or is about to be replaced.
_PASSING = frozenset({"PoolStarting", "SecretsPending"})

#: So it begins as well; news only where somebody was ready before.
_LOST = "RunnersNotReady"


def find_readiness(conditions: Iterable[Condition]) -> Condition:
    """Give the condition Ready, which every status of ours has."""
    return next(each for each in conditions if each.type == READY)


def find_news(key: Key, endpoint: Endpoint, status: EndpointStatus) -> EndpointNews | None:
    """Give what is to be told, if the Endpoint is ready, or not, for another reason than before."""
    present = find_readiness(status.conditions)
    former = next((each for each in endpoint.status.conditions if each.type == READY), None)
    is_news = former is None or (former.status, former.reason) != (present.status, present.reason)
    was_ready = former is not None and former.status == "True"
    if not is_news or present.reason in _PASSING or (present.reason == _LOST and not was_ready):
        return None
    version = endpoint.metadata.resource_version or str(endpoint.metadata.generation)
    return EndpointNews(
        key=key,
        uid=endpoint.metadata.uid,
        mark=f"{endpoint.metadata.uid}-{version}-{present.reason.lower()}",
        is_good=present.reason in (READY, SUSPENDED),
        reason=present.reason,
        message=present.message,
    )
