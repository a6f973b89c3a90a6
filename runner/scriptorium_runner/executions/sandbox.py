"""The sandbox as the loop sees it: the engine's results in the API's words."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Protocol

from scriptorium_api.execution import ErrorInfo, LogLine, Usage
from scriptorium_api.names import source_hash
from scriptorium_api.values import frozen
from scriptorium_runner import engine
from scriptorium_runner.engine import HostCalls, Share
from scriptorium_runner.executions import ceilings
from scriptorium_runner.executions.callees import BoardCallees
from scriptorium_runner.executions.ceilings import Ceilings
from scriptorium_runner.executions.context import build_callee_context
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.outcome import Outcome
from scriptorium_runner.executions.ports import Board
from scriptorium_runner.executions.trail import Trail
from scriptorium_runner.host.registry import Api, Registry
from scriptorium_runner.host.scripts import Caller, ScriptsHost
from scriptorium_runner.host.utils import UtilsHost

_NO_HOST = engine.NoHost()

#: The most lines that a status holds, as its schema says.
_MOST_LINES = 4096


class WayOut(Protocol):
    """The way to the hosts outside, for scripts that may ask some."""

    def prepare(self) -> None:
        """Get ready: a script that may ask begins after this, and its time does not run before."""

    def open(self, start: Start, share: Share, end: float, traceparent: str | None = None) -> Api:
        """Give what one run may reach until its end, by the loop's clock; its requests bear `traceparent`."""


@frozen
class _Family:
    """A run and all that it calls, directly or not."""

    context: Mapping[str, Any]
    stop: asyncio.Event | None
    board: Board
    trail: Trail
    traceparent: str | None = None


@frozen
class Prepared:
    """A start that can be run many times: what is the same each time, and that alone."""

    start: Start
    program: engine.Program
    limits: engine.Limits
    may_call: bool
    """Whether its source can name what makes host calls; the others are run without."""


@frozen(kw_only=True)
class Question:
    """What somebody who waits wants of a script."""

    context: Mapping[str, Any]
    request: engine.HttpRequest | None = None
    """What the script answers; if None, its output is the answer."""
    traceparent: str | None = None
    """What its own requests say of the trace that they belong to."""


class EngineSandbox:
    """Runs scripts in the engine's worker processes."""

    def __init__(
        self, sandbox: engine.Engine, most: Ceilings | None = None, http: WayOut | None = None
    ) -> None:
        self._engine = sandbox
        self._ceilings = most or Ceilings()
        self._outside = http

    @property
    def reserved_slots(self) -> int:
        """Say how many slots are kept from runs of the queue at this moment."""
        return self._engine.reserved_slots

    async def run(
        self, start: Start, context: Mapping[str, Any], stop: asyncio.Event, board: Board
    ) -> Outcome:
        """Run a script until its end, its limits, or `stop`; raises NoWorker if there was no room."""
        start, note = self._ceilings.lower(start)
        trail = Trail(start.limits.log_kb * 1024)
        try:
            family = _Family(context, stop, board, trail)
            result = await self._execute(_prepare(start, depth=0), family, (start.script,))
        except (engine.AcquireTimeout, engine.PoolClosed, engine.NeverStarted) as error:
            raise NoWorker(str(error)) from error
        return ceilings.tell(build_outcome(await trail.complete(result)), note)

    def prepare(self, start: Start, output_kb: int) -> Prepared:
        """Make ready what is asked often; `output_kb` bounds each answer, whatever its limits say."""
        lowered, _ = self._ceilings.lower(start)
        found = _prepare(lowered, depth=0)
        return replace(
            found,
            program=replace(found.program, lane=engine.Lane.HTTP),
            limits=replace(found.limits, output_kb=output_kb),
        )

    async def answer(self, prepared: Prepared, question: Question, board: Board) -> engine.Result:
        """Have a script answer; raises NoWorker if there was no room. Whoever does not wait cancels this."""
        start, program = prepared.start, replace(prepared.program, request=question.request)
        trail = Trail(start.limits.log_kb * 1024)
        family = _Family(question.context, None, board, trail, question.traceparent)
        asked = Prepared(start, program, prepared.limits, prepared.may_call)
        try:
            result = await self._execute(asked, family, (start.script,))
        except (engine.AcquireTimeout, engine.PoolClosed, engine.NeverStarted) as error:
            raise NoWorker(str(error)) from error
        return await trail.complete(result)

    async def _execute(self, prepared: Prepared, family: _Family, chain: tuple[str, ...]) -> engine.Result:
        """Run a script; `chain` names those that led to it, and itself."""
        family.trail.hand_out(prepared.start.secrets)
        return await self._engine.execute(
            prepared.program,
            family.context,
            prepared.limits,
            cancelled=family.stop,
            host=self._build_host(prepared.start, family, chain) if prepared.may_call else _NO_HOST,
        )

    def _build_host(self, start: Start, family: _Family, chain: tuple[str, ...]) -> HostCalls:
        async def run_start(called: Start, value: dict[str, Any]) -> engine.Result:
            context = build_callee_context(family.context, called, value)
            called, _ = self._ceilings.lower(called)

            def begin(stop: asyncio.Event) -> Coroutine[Any, Any, engine.Result]:
                own = replace(family, context=context, stop=stop)
                return self._execute(_prepare(called, depth=len(chain)), own, (*chain, called.script))

            return await family.trail.follow(called.script, begin)

        share, end = self._engine.held.open(), asyncio.get_running_loop().time() + start.timeout_seconds

        def make_scripts() -> Api:
            caller = Caller(chain=chain, allowed=frozenset(start.permissions.scripts))
            return ScriptsHost(caller, BoardCallees(family.board, start, run_start, share))

        apis: dict[str, Callable[[], Api]] = {"utils": UtilsHost, "scripts": make_scripts}
        if (outside := self._outside) is not None:
            if start.permissions.http is not None:
                outside.prepare()
            apis["http"] = lambda: outside.open(start, share, end, family.traceparent)
        return Registry(apis)


def _prepare(start: Start, depth: int) -> Prepared:
    return Prepared(start, _build_program(start, depth), _build_limits(start), engine.may_call(start.source))


def _build_program(start: Start, depth: int) -> engine.Program:
    return engine.Program(
        source=start.source,
        entrypoint=start.entrypoint,
        owner=f"{start.owner}/{source_hash(start.source)}",
        script=start.share,
        lane=start.lane,
        env=start.env,
        depth=depth,
    )


def _build_limits(start: Start) -> engine.Limits:
    return engine.Limits(
        timeout_seconds=start.timeout_seconds,
        memory_mb=start.limits.memory_mb,
        output_kb=start.limits.output_kb,
        log_kb=start.limits.log_kb,
        api_calls=start.limits.api_calls,
    )


def build_outcome(result: engine.Result) -> Outcome:
    """Give the engine's result in the API's words."""
    lines = [
        LogLine.model_validate(
            {"level": entry.level, "message": entry.message, "timestamp": entry.timestamp}
            | ({"data": entry.data} if entry.data else {})
            | ({"script": entry.script} if entry.script else {})
        )
        for entry in result.logs[-_MOST_LINES:]
    ]
    return Outcome(
        reason=result.reason,
        message=describe_error(result.error) if result.error else None,
        output=result.output,
        error=_build_error(result.error) if result.error else None,
        logs=lines,
        logs_truncated=result.logs_truncated or len(lines) < len(result.logs),
        logs_dropped=result.logs_dropped + len(result.logs) - len(lines),
        usage=Usage(
            cpu_ms=_rounded(result.usage.cpu_ms),
            peak_memory_mb=_rounded(result.usage.peak_memory_mb),
            api_calls=result.usage.api_calls,
        ),
        started_at=result.started_at,
        duration_ms=result.duration_ms,
    )


def describe_error(error: engine.ScriptError) -> str:
    """Write an error in one line: what and where."""
    place = f" at {error.line}:{error.column}" if error.line and error.column else ""
    return f"{error.name}: {error.message}{place}"


def _build_error(error: engine.ScriptError) -> ErrorInfo:
    return ErrorInfo(
        name=error.name[:256],
        message=error.message[:8192],
        stack=error.stack[:8192] or None,
        line=error.line,
        column=error.column,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
