"""The verb: a call comes in, the caller is admitted, the Script runs, and its caller is told."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from scriptorium_api.execution import Holder, Requester, ScriptExecution
from scriptorium_api.reasons import PHASE_OF_END, Phase, Reason
from scriptorium_api.values import frozen
from scriptorium_runner.endpoints import endings
from scriptorium_runner.endpoints.bodies import Body, BodyBroken, BodyStalled, BodyTooLarge
from scriptorium_runner.endpoints.calls import Answer, Call, Problem, render_problem
from scriptorium_runner.endpoints.invoke import answers, problems, requests, runs, tokens
from scriptorium_runner.endpoints.invoke.ports import (
    Admitted,
    Forbidden,
    ReviewFailed,
    Unknown,
)
from scriptorium_runner.endpoints.invoke.requests import Invocation
from scriptorium_runner.endpoints.invoke.runs import Facts
from scriptorium_runner.endpoints.invoke.verdicts import Verdicts
from scriptorium_runner.executions import decide
from scriptorium_runner.executions.context import Tenant
from scriptorium_runner.executions.decide import Source, Start
from scriptorium_runner.executions.errors import BoardError, NoWorker
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.ports import Board, Sandbox

log = logging.getLogger(__name__)

#: Calls in hand at once, waiting or running: each holds its input, and the pool's slots are far fewer.
MOST_CALLS = 256


@frozen(kw_only=True)
class Host:
    """Whose Scripts are called here, and on which runner."""

    namespace: str
    holder: Holder
    tenant: Tenant
    is_enabled: bool = True
    """Whether scripts run at all."""
    is_ready: Callable[[], bool] = lambda: True
    """Whether all Scripts of the namespace are known."""


@dataclass(slots=True)
class Record:
    """What the log and the metrics tell of a call, as far as it got: never its input or its token."""

    request_id: str
    status: int = 0
    script: str = ""
    caller: str = ""
    phase: Phase | None = None
    reason: Reason | None = None
    seconds: float = 0.0
    run_ms: float | None = None


class Invoking:
    """Answers the calls of Scripts from inside the cluster."""

    def __init__(
        self,
        host: Host,
        board: Board,
        sandbox: Sandbox,
        verdicts: Verdicts,
        tell: Callable[[Record], None] = lambda _record: None,
    ) -> None:
        """`tell` hears of every call, when it is over."""
        self._host, self._board, self._sandbox, self._verdicts = host, board, sandbox, verdicts
        self._tell = tell
        self._in_hand = 0
        self._stops: set[asyncio.Event] = set()
        self._is_draining = self._is_cut_off = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def serve(self, call: Call, body: Body) -> Answer:
        """Answer a call; one whose caller goes away is cancelled, and its script with it."""
        record, begun = Record(call.id, endings.GONE), time.monotonic()
        self._in_hand += 1
        self._idle.clear()
        try:
            answer = await self._answer(call, body, record)
            record.status = answer.status
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()
            record.seconds = time.monotonic() - begun
            _write_log(record)
            self._tell(record)
        return answer

    async def drain(self, seconds: float) -> None:
        """Take nothing new, and give what is in hand so long; what runs then is cut off."""
        self._is_draining = True
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            self._is_cut_off = True
            for stop in self._stops:
                stop.set()
            await self._idle.wait()
        await self._verdicts.stop()

    async def _answer(self, call: Call, body: Body, record: Record) -> Answer:
        try:
            found = await self._go(call, body, record)
        except Exception:
            log.exception("a call failed", extra={"requestId": call.id, "script": record.script})
            found = problems.our_failure()
        answer = render_problem(found, call.id) if isinstance(found, Problem) else found
        closing = (("Connection", "close"),) if self._is_draining else ()
        return answer.with_headers(("X-Request-Id", call.id), *closing)

    async def _go(self, call: Call, body: Body, record: Record) -> Answer | Problem:
        script = requests.find_script_name(call)
        if isinstance(script, Problem):
            return script
        record.script = script
        if problem := self._find_obstacle():
            return problem
        caller = await self._admit(call)
        if isinstance(caller, Problem):
            return caller
        record.caller = caller.name
        invocation = await _read(call, script, body)
        if isinstance(invocation, Problem):
            return invocation
        return await self._invoke(call, invocation, caller, record)

    def _find_obstacle(self) -> Problem | None:
        """Say why nothing is taken here at this moment."""
        if self._is_draining:
            return problems.unavailable("the runner stops; another one answers", problems.SOON)
        if self._in_hand > MOST_CALLS:
            return problems.unavailable("the runner has more calls in hand than it can take", problems.SOON)
        if not self._host.is_ready():
            return problems.unavailable("the runner does not know its Scripts yet", problems.SOON)
        return None

    async def _admit(self, call: Call) -> Requester | Problem:
        """Give who calls, if they may."""
        token = tokens.read_token(call)
        if isinstance(token, Problem):
            return token
        try:
            verdict = await self._verdicts.judge(token, call.ip)
        except ReviewFailed as error:
            log.warning("the caller was not reviewed", extra={"requestId": call.id, "error": str(error)})
            return problems.review_failed(error.retry_after)
        match verdict:
            case Admitted():
                return verdict.caller
            case Forbidden():
                return problems.forbidden(verdict.name, self._host.namespace)
            case Unknown():
                return problems.unauthorized("the API server does not accept this token")

    async def _invoke(
        self, call: Call, invocation: Invocation, caller: Requester, record: Record
    ) -> Answer | Problem:
        asked = datetime.now(UTC)
        facts = await self._find_facts(invocation.script)
        if isinstance(facts, Problem):
            return facts
        run = runs.build_run(invocation, caller, call.id, asked)
        start = runs.decide_start(run, facts, self._host.namespace, asked)
        if isinstance(start, Problem):
            return start
        claimed = runs.claim(run, start, facts, self._host.holder, asked)
        return await self._run(claimed, start, facts, record)

    async def _find_facts(self, name: str) -> Facts | Problem:
        if not self._host.is_enabled:
            return problems.unavailable(decide.SWITCHED_OFF, 60)
        script = self._board.find_script(self._host.namespace, name)
        if script is None:
            return problems.not_found(f'Script "{name}" does not exist in namespace "{self._host.namespace}"')
        try:
            source: Source = await self._board.read_source(script)
        except BoardError as error:
            return problems.unavailable(f"the source cannot be read: {error}", 5)
        return Facts(script, source, self._board.read_values(script))

    async def _run(
        self, claimed: ScriptExecution, start: Start, facts: Facts, record: Record
    ) -> Answer | Problem:
        asked = claimed.status.start_time or datetime.now(UTC)
        begun = time.monotonic()
        context = runs.build_context(claimed, facts.script, self._host.tenant)
        try:
            outcome = await self._sandbox_run(start, context)
        except NoWorker:
            return problems.unavailable("the runner has no room for the Script; try again", problems.SOON)
        except asyncio.CancelledError:
            record.phase, record.reason = Phase.CANCELLED, Reason.CANCELLED
            raise
        record.phase, record.reason = PHASE_OF_END[outcome.reason], outcome.reason
        record.run_ms = outcome.duration_ms
        timing = answers.Timing(asked, datetime.now(UTC), time.monotonic() - begun)
        return answers.find_problem(claimed, outcome) or answers.render_run(claimed, outcome, timing)

    async def _sandbox_run(self, start: Start, context: dict[str, object]) -> Outcome:
        """Run the script until its end, or until its caller is gone or the runner has to stop."""
        stop = asyncio.Event()
        if self._is_cut_off:
            stop.set()
        self._stops.add(stop)
        running = asyncio.create_task(self._sandbox.run(start, context, stop, self._board))
        try:
            outcome = await asyncio.shield(running)
        except asyncio.CancelledError:
            # The sandbox ends the script and says so; its worker is free again when it has.
            stop.set()
            await asyncio.wait({running})
            _ = running.cancelled() or running.exception()
            raise
        finally:
            self._stops.discard(stop)
        return _explain_stop(outcome) if stop.is_set() else outcome


def _explain_stop(outcome: Outcome) -> Outcome:
    if outcome.reason is not Reason.CANCELLED:
        return outcome
    message = "the runner had to stop before the script ended"
    return replace(outcome, reason=Reason.RUNNER_SHUTDOWN, message=message, error=None)


async def _read(call: Call, script: str, body: Body) -> Invocation | Problem:
    """Give what a call asks for; its body is read only now that its caller is known."""
    seconds = requests.read_timeout(call.raw_query)
    if isinstance(seconds, Problem):
        return seconds
    if problem := requests.find_body_problem(call):
        return problem
    try:
        content = await body.read(requests.MOST_BODY)
    except BodyTooLarge:
        return requests.body_too_large()
    except BodyStalled:
        return problems.too_slow()
    except BodyBroken:
        return problems.bad_request("the body is not framed well")
    value = requests.read_input(replace(call, body=content))
    return value if isinstance(value, Problem) else Invocation(script, value, seconds)


def _write_log(record: Record) -> None:
    facts = {
        "requestId": record.request_id,
        "status": record.status,
        "script": record.script or None,
        "caller": record.caller or None,
        "phase": record.phase,
        "reason": record.reason,
        "durationMs": round(record.seconds * 1000, 1),
        "runMs": record.run_ms,
    }
    log.info("script invoked", extra={name: value for name, value in facts.items() if value is not None})
