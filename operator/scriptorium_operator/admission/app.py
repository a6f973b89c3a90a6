"""The two questions and where they are answered; the chart says which of them is asked for what."""

import logging
from typing import Final

from aiohttp import web

from scriptorium_operator.admission import reviews
from scriptorium_operator.admission.reviews import Question
from scriptorium_operator.context import Context
from scriptorium_operator.decide.admission import decide_requester
from scriptorium_operator.services import admission

log = logging.getLogger(__name__)

CHECK_SOURCE: Final = "/check-source"
FILL_REQUESTER: Final = "/fill-requester"

#: An object is at most 1.5 MB in the API server's store; an update brings two of them.
_MOST_BYTES = 4 * 1024 * 1024

_CONTEXT = web.AppKey("context", Context)


def build_app(context: Context) -> web.Application:
    """Give the application that answers the API server."""
    app = web.Application(client_max_size=_MOST_BYTES)
    app[_CONTEXT] = context
    app.add_routes([web.post(CHECK_SOURCE, _check_source), web.post(FILL_REQUESTER, _fill_requester)])
    return app


async def _check_source(request: web.Request) -> web.Response:
    question = await _read_question(request)
    source = reviews.read_source(question)
    if source is None:
        return web.json_response(reviews.render_permission(question))
    opinion = await admission.judge_source(request.app[_CONTEXT], source)
    if opinion.refusal is None:
        return web.json_response(reviews.render_permission(question, warning=opinion.warning))
    log.info(
        "source refused",
        extra={"kind": question.kind.kind, "namespace": question.namespace, "object": question.name},
    )
    return web.json_response(reviews.render_refusal(question, opinion.refusal))


async def _fill_requester(request: web.Request) -> web.Response:
    question = await _read_question(request)
    user = question.user_info
    requester = decide_requester(user.username, user.uid)
    if requester is None or reviews.names_requester(question):
        return web.json_response(reviews.render_permission(question))
    return web.json_response(reviews.render_requester(question, requester))


async def _read_question(request: web.Request) -> Question:
    try:
        return reviews.parse_question(await request.read())
    except ValueError as error:
        raise web.HTTPBadRequest(text="not an AdmissionReview with a request") from error
