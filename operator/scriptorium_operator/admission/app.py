"""The two questions and where they are answered; the chart says which of them is asked for what."""

import asyncio
import logging
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from scriptorium_operator.admission import reviews
from scriptorium_operator.admission.reviews import Question
from scriptorium_operator.context import Context
from scriptorium_operator.decide.admission import Flaw, decide_requester, find_schedule_flaw
from scriptorium_operator.decide.endpoint_schemas import find_schema_flaw
from scriptorium_operator.services import admission

log = logging.getLogger(__name__)

CHECK_SOURCE: Final = "/check-source"
FILL_REQUESTER: Final = "/fill-requester"

#: Our largest kind with all that may be written on it, twice for an update; the schema refuses larger ones.
_MOST_BYTES = 2 * 1024 * 1024

#: Anybody who reaches the port could send more than there is memory for.
_MOST_AT_ONCE = 16

#: The API server has given up by then.
PATIENCE_SECONDS = 5.0

_CONTEXT = web.AppKey("context", Context)


def build_app(context: Context, patience_seconds: float = PATIENCE_SECONDS) -> web.Application:
    """Give the application that answers the API server."""
    app = web.Application(client_max_size=_MOST_BYTES, middlewares=[_take_turns(patience_seconds)])
    app[_CONTEXT] = context
    app.add_routes([web.post(CHECK_SOURCE, _check_source), web.post(FILL_REQUESTER, _fill_requester)])
    return app


def _take_turns(patience_seconds: float) -> Middleware:
    turns = asyncio.Semaphore(_MOST_AT_ONCE)

    @web.middleware
    async def take_turn(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            async with asyncio.timeout(patience_seconds), turns:
                return await handler(request)
        except TimeoutError:
            raise web.HTTPServiceUnavailable(text="too many questions, or one that never ends") from None

    return take_turn


async def _check_source(request: web.Request) -> web.Response:
    question = await _read_question(request)
    if flaw := _find_flaw(question):
        return _refuse(question, flaw.field, flaw.message)
    source = reviews.find_source(question.spec)
    if source is None:
        return web.json_response(reviews.render_permission(question))
    opinion = await admission.judge_source(request.app[_CONTEXT], source.text)
    if opinion.refusal is not None:
        return _refuse(question, source.field, opinion.refusal)
    warning = f"{source.field} {opinion.warning}" if opinion.warning else None
    return web.json_response(reviews.render_permission(question, warning=warning))


def _find_flaw(question: Question) -> Flaw | None:
    spec = question.spec
    if question.kind.kind == "Endpoint" and (flaw := find_schema_flaw(spec.request_schema)):
        return Flaw(*flaw)
    if question.kind.kind != "CronScript" or spec.schedule is None:
        return None
    return find_schedule_flaw(spec.schedule, spec.time_zone, spec.jitter_seconds)


def _refuse(question: Question, field: str, message: str) -> web.Response:
    kind = question.kind.kind
    log.info("object refused", extra={"kind": kind, "namespace": question.namespace, "object": question.name})
    return web.json_response(reviews.render_refusal(question, field, message))


async def _fill_requester(request: web.Request) -> web.Response:
    question = await _read_question(request)
    user = question.user_info
    requester = decide_requester(user.username, user.uid)
    if requester is None or question.spec.names_requester:
        return web.json_response(reviews.render_permission(question))
    return web.json_response(reviews.render_requester(question, requester))


async def _read_question(request: web.Request) -> Question:
    try:
        return reviews.parse_question(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text="not an AdmissionReview with a request") from error
