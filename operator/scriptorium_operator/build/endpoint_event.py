"""The Event on an Endpoint that came into another state."""

from datetime import datetime

from scriptorium_operator.build.event import News, build_event
from scriptorium_operator.endpoint_facts import EndpointNews
from scriptorium_operator.facts import Manifest


def build_endpoint_event(news: EndpointNews, now: datetime) -> Manifest:
    """Give the Event."""
    told = News(
        subject=news.key,
        subject_uid=news.uid,
        mark=news.mark,
        type="Normal" if news.is_good else "Warning",
        reason=news.reason,
        message=news.message,
    )
    return build_event(told, now)
