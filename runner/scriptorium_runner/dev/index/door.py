"""Before the Endpoints: what is the page's is answered here, all else by them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from scriptorium_api.values import frozen
from scriptorium_runner.dev.index import guard, routes
from scriptorium_runner.dev.index.trials import Trial, Trials
from scriptorium_runner.endpoints.bodies import Body, BodyError
from scriptorium_runner.endpoints.calls import Answer, Call, Problem, render_problem
from scriptorium_runner.endpoints.ports import Checker, EndpointBoard
from scriptorium_runner.endpoints.table import Table
from scriptorium_runner.history.requests import RequestHistory
from scriptorium_runner.web.public import Answering

#: As many requests as a person looks through.
_SHOWN = 100
#: A form's body, as JSON.
_MOST_BYTES = 24 * 1024 * 1024

_FILES: Mapping[str, tuple[str, str]] = {
    "": ("index.html", "text/html; charset=utf-8"),
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


@frozen(kw_only=True)
class Desk:
    """What the page tells of."""

    board: EndpointBoard
    checker: Checker
    history: RequestHistory
    trials: Trials


class Door:
    """Answers what is the page's, and hands all else on."""

    def __init__(self, answering: Answering, find_table: Callable[[], Table], desk: Desk) -> None:
        self._answering, self._find_table, self._desk = answering, find_table, desk
        self._replies: Mapping[tuple[str, str], Callable[[Body], Awaitable[Answer | Problem]]] = {
            ("GET", "/api/routes"): self._list_routes,
            ("GET", "/api/requests"): self._list_requests,
            ("POST", "/api/try"): self._try,
        }

    async def serve(self, call: Call, body: Body) -> Answer:
        """Answer a call."""
        if not guard.is_reserved(call.raw_path):
            foreign = guard.find_foreign_host(call, self._find_table().router.names)
            return self.refuse(call, foreign) if foreign else await self._answering.serve(call, body)
        found = guard.find_refusal(call) or await self._reply(call, body)
        answer = render_problem(found, call.id) if isinstance(found, Problem) else found
        return answer.with_headers(*guard.HEADERS)

    def refuse(self, call: Call, problem: Problem) -> Answer:
        """Answer what is no call."""
        return self._answering.refuse(call, problem)

    async def _reply(self, call: Call, body: Body) -> Answer | Problem:
        path, method = call.raw_path.removeprefix(guard.ROOT), "GET" if call.method == "HEAD" else call.method
        if path in _FILES and method == "GET":
            return _read_file(*_FILES[path])
        if reply := self._replies.get((method, path)):
            return await reply(body)
        allow = {known for known, place in self._replies if place == path}
        allow |= {"GET"} if path in _FILES else set()
        if allow:
            return Problem(405, "Method Not Allowed", headers=(("Allow", ", ".join(sorted(allow))),))
        return Problem(404, "Not Found", f"there is nothing at this path; see {guard.ROOT}")

    async def _list_routes(self, _body: Body) -> Answer:
        desk = self._desk
        return _write({"routes": await routes.list_routes(desk.board, self._find_table(), desk.checker)})

    async def _list_requests(self, _body: Body) -> Answer:
        rows = await self._desk.history.read(_SHOWN)
        found = [{to_camel(name): value for name, value in asdict(row).items()} for row in rows]
        return _write({"requests": found})

    async def _try(self, body: Body) -> Answer | Problem:
        try:
            trial = Trial.model_validate_json(await body.read(_MOST_BYTES))
        except (BodyError, ValidationError) as error:
            problems = error.errors() if isinstance(error, ValidationError) else []
            told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
            return Problem(400, "Bad Request", told or "the body cannot be read")
        return _write(await self._desk.trials.make(trial, self._answering))


def _read_file(name: str, media_type: str) -> Answer:
    content = resources.files("scriptorium_runner.dev").joinpath("pages", name).read_bytes()
    return Answer(200, (("Content-Type", media_type),), content)


def _write(value: Any) -> Answer:
    # In ASCII, so that whatever was sent can be written.
    return Answer(200, (("Content-Type", "application/json"),), json.dumps(value).encode())
