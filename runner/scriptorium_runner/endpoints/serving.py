"""The verb: a request in, an answer out, step by step in one order that never differs."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from scriptorium_runner.endpoints import admitting, canonical, cors, outcomes, requests, traces
from scriptorium_runner.endpoints.admitting import Rejection
from scriptorium_runner.endpoints.auth import decisions
from scriptorium_runner.endpoints.auth.verdicts import Admitted, Refused
from scriptorium_runner.endpoints.bodies import Body
from scriptorium_runner.endpoints.calls import Answer, Call, Problem, render_problem
from scriptorium_runner.endpoints.concurrency import Full
from scriptorium_runner.endpoints.doors import Outside, RequestDoors
from scriptorium_runner.endpoints.endings import Ended, Listener, Times
from scriptorium_runner.endpoints.rate_limits import RateLimiter
from scriptorium_runner.endpoints.room import NoRoomNow
from scriptorium_runner.endpoints.routing import NoMethod, NoPath, Route
from scriptorium_runner.endpoints.table import Entry, Table, Work
from scriptorium_runner.endpoints.traces import Trace
from scriptorium_runner.endpoints.uploads import Uploads
from scriptorium_runner.engine import Result
from scriptorium_runner.executions import context
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.sandbox import Question

log = logging.getLogger(__name__)

_REQUEST_ID = "X-Request-Id"
_PERSONAL = ("Cache-Control", "private")
_NO_ROOM = "all scripts are busy; try again in a moment"


@dataclass(slots=True)
class _Visit:
    """One request on its way through."""

    call: Call
    trace: Trace
    table: Table
    since: float
    entry: Entry | None = None
    result: Result | None = None
    rejected: str = ""
    cause: str = ""
    is_personal: bool = False
    """Whether the answer may be one for this caller alone."""
    times: Times = field(default_factory=Times)


class Serving:
    """Answers the requests of one runner."""

    def __init__(
        self,
        find_table: Callable[[], Table],
        outside: Outside,
        count_runners: Callable[[], int] = lambda: 1,
        listeners: Sequence[Listener] = (),
    ) -> None:
        """`listeners` hear of the end of each request."""
        self._find_table, self._outside = find_table, outside
        self._count_runners, self._listeners = count_runners, tuple(listeners)
        self._limiter = RateLimiter(time.monotonic)
        self._uploads = Uploads(outside.held)
        #: Requests that have no answer yet.
        self.in_flight = 0

    async def serve(self, call: Call, body: Body) -> Answer:
        """Answer a call; raises nothing but CancelledError, when its caller went away."""
        visit, answer = self._begin(call), None
        self.in_flight += 1
        try:
            answer = _complete(visit, await self._try(visit, body))
            return answer
        finally:
            self.in_flight -= 1
            self._tell(visit, answer)

    def refuse(self, call: Call, problem: Problem) -> Answer:
        """Answer what is no call."""
        visit = self._begin(call)
        visit.rejected = "malformed"
        answer = _complete(visit, problem)
        self._tell(visit, answer)
        return answer

    def _begin(self, call: Call) -> _Visit:
        return _Visit(call, traces.read_trace(call.headers), self._find_table(), time.perf_counter())

    async def _try(self, visit: _Visit, body: Body) -> Answer | Problem:
        try:
            return await self._answer(visit, body)
        except Rejection as rejection:
            visit.rejected, visit.cause = rejection.reason, rejection.cause
            return rejection.problem
        except Exception:
            # The edge of all: one request must not take the others with it.
            log.exception("a request failed", extra={"requestId": visit.call.id})
            visit.rejected = "bug"
            return Problem(500, "Internal Server Error")

    async def _answer(self, visit: _Visit, body: Body) -> Answer | Problem:
        found = _route(visit)
        if isinstance(found, Answer):
            return found
        entry = visit.entry = visit.table.entries[found.endpoint.metadata.uid]
        if body.size != 0:
            admitting.check_encoding(visit.call)
            admitting.check_size(body, entry.max_body)
        self._count(entry, visit.call, None)
        if body.size == 0:
            return await self._go_on(visit, entry, found, await self._admit(visit, entry, found))
        # Nothing of strangers is kept, unless it is by the body that they say who they are.
        needs_body = decisions.needs_body(entry.endpoint.spec.auth, visit.call)
        admitted = None if needs_body else await self._admit(visit, entry, found)
        with self._uploads.hold() as upload:
            since = time.perf_counter()
            visit.call = replace(visit.call, body=await admitting.read_body(body, entry.max_body, upload))
            visit.times.receiving = time.perf_counter() - since
            admitted = admitted or await self._admit(visit, entry, found)
            return await self._go_on(visit, entry, found, admitted)

    async def _go_on(self, visit: _Visit, entry: Entry, route: Route, admitted: Admitted) -> Answer | Problem:
        """Answer a call that is there as a whole, of somebody who may."""
        visit.times.deciding = time.perf_counter() - visit.since - visit.times.receiving
        if entry.gate is None:
            return await self._run(visit, entry, route, admitted)
        try:
            async with entry.gate.enter():
                return await self._run(visit, entry, route, admitted)
        except Full as full:
            raise admitting.refuse_unavailable("concurrency", _NO_ROOM, seconds=full.retry_after) from full

    async def _admit(self, visit: _Visit, entry: Entry, route: Route) -> Admitted:
        """Ask who calls, and count it; raises Rejection."""
        call, spec = visit.call, entry.endpoint.spec
        doors = RequestDoors(self._outside, entry.deciders, call.id, visit.trace.parent)
        verdict = await decisions.decide(spec.auth, call, entry.secrets, doors, route.params)
        if isinstance(verdict, Refused):
            raise Rejection("auth", verdict, verdict.reason)
        visit.is_personal = verdict.user is not None
        self._count(entry, call, verdict)
        return verdict

    def _count(self, entry: Entry, call: Call, admitted: Admitted | None) -> None:
        """Count a request, if that is due before its caller is let in, or after it; raises Rejection."""
        limit = entry.endpoint.spec.rate_limit
        if limit is None or (caller := admitting.find_caller(limit, call, admitted)) is None:
            return
        wait = self._limiter.take(limit, self._count_runners(), entry.endpoint.metadata.uid, caller)
        if wait is not None:
            raise admitting.refuse_rate(wait)

    async def _run(self, visit: _Visit, entry: Entry, route: Route, admitted: Admitted) -> Answer | Problem:
        """Have the script answer; raises Rejection."""
        work = entry.work
        if work is None:
            detail = "there is no script to answer at the moment"
            raise admitting.refuse_unavailable("no_script", detail, entry.obstacle, seconds=5)
        request = requests.build_request(visit.call, route.params)
        admitting.check_schemas(entry.schemas, visit.call, request.query)
        question = Question(
            context=context.build_request_context(work.context, visit.call.id, admitted.user),
            request=request,
            traceparent=visit.trace.parent,
        )
        result = visit.result = await self._ask(visit, work, question)
        return outcomes.read_result(result, is_debug=entry.endpoint.spec.debug)

    async def _ask(self, visit: _Visit, work: Work, question: Question) -> Result:
        outside, since = self._outside, time.perf_counter()
        try:
            async with outside.room.enter(work.name):
                result = await outside.sandbox.answer(work.prepared, question, outside.board)
        except (NoRoomNow, NoWorker) as error:
            raise admitting.refuse_unavailable("overload", _NO_ROOM) from error
        visit.times.working = result.duration_ms / 1000
        visit.times.queueing = max(0.0, time.perf_counter() - since - visit.times.working)
        return result

    def _tell(self, visit: _Visit, answer: Answer | None) -> None:
        visit.times.total = time.perf_counter() - visit.since
        ended = Ended(
            at=datetime.now(UTC),
            call=visit.call,
            trace=visit.trace,
            entry=visit.entry,
            answer=answer,
            rejected=visit.rejected if answer is not None else "gone",
            cause=visit.cause,
            result=visit.result,
            times=visit.times,
        )
        for listener in self._listeners:
            listener(ended)


def _route(visit: _Visit) -> Route | Answer:
    """Find who answers; what needs no script is answered here. Raises Rejection."""
    call = visit.call
    segments = canonical.read_path(call.raw_path)
    if segments is None:
        raise admitting.refuse_path()
    match visit.table.router.find(call.host, segments, call.method):
        case NoPath():
            raise admitting.refuse_unknown()
        case NoMethod(allow):
            return _answer_without(visit, segments, allow)
        case found:
            return found


def _answer_without(visit: _Visit, segments: tuple[str, ...], allow: tuple[str, ...]) -> Answer:
    """Answer a method that no Endpoint has: OPTIONS is answered for all of them. Raises Rejection."""
    call, listed = visit.call, ("Allow", ", ".join(allow))
    if call.method != "OPTIONS":
        raise admitting.refuse_method(listed)
    if not cors.is_preflight(call):
        return Answer(204, (listed,))
    wanted = call.find_header("access-control-request-method") or ""
    asked = visit.table.router.find(call.host, segments, wanted)
    spec = asked.endpoint.spec if isinstance(asked, Route) else None
    answer = cors.answer_preflight(spec.methods if spec else allow, spec.cors if spec else None, call)
    if isinstance(answer, Problem):
        raise Rejection("cors", answer)
    return answer


def _complete(visit: _Visit, found: Answer | Problem) -> Answer:
    """Give what goes out, with the headers of every answer."""
    call, entry = visit.call, visit.entry
    answer = render_problem(found, call.id) if isinstance(found, Problem) else found
    if entry is not None and entry.endpoint.spec.cors is not None:
        answer = cors.add_headers(answer, entry.endpoint.spec.cors, call)
    if entry is not None and entry.headers:
        answer = answer.with_headers(*entry.headers)
    if visit.is_personal:
        # A cache does not know that a key, a cookie or a signature says whose an answer is.
        answer = answer.with_headers(_PERSONAL)
    kept = tuple(pair for pair in answer.headers if pair[0].lower() != "x-request-id")
    return Answer(answer.status, (*kept, (_REQUEST_ID, call.id)), answer.body)
