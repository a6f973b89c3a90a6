"""Endpoints as kopf tells of them; why by events is said beside the handler of Scripts."""

from typing import Any

import kopf

from scriptorium_api import names
from scriptorium_operator.context import Context
from scriptorium_operator.facts import Kind
from scriptorium_operator.gateways import reading_endpoints
from scriptorium_operator.handlers import arrivals
from scriptorium_operator.services import endpoints


@kopf.on.event(names.GROUP, names.VERSION, "scriptendpoints")
async def take_note(type: str | None, body: kopf.Body, memo: Context, **_: Any) -> None:  # noqa: A002 - kopf's name.
    """Hand an Endpoint over to the service."""
    is_gone = type == "DELETED"
    arrivals.note_arrival(memo, Kind.ENDPOINT, body, is_gone=is_gone)
    endpoint = reading_endpoints.read_endpoint(dict(body))
    (endpoints.forget if is_gone else endpoints.observe)(memo, endpoint)
