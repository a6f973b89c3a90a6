"""The sandbox as the loop sees it: the engine's results in the API's words."""

import asyncio
from collections.abc import Mapping
from typing import Any

from scriptorium_api.execution import ErrorInfo, LogLine, Usage
from scriptorium_api.names import source_hash
from scriptorium_runner import engine
from scriptorium_runner.executions import ceilings
from scriptorium_runner.executions.ceilings import Ceilings
from scriptorium_runner.executions.decide import Start
from scriptorium_runner.executions.errors import NoWorker
from scriptorium_runner.executions.outcome import Outcome

#: The most lines that a status holds, as its schema says.
_MOST_LINES = 4096


class EngineSandbox:
    """Runs scripts in the engine's worker processes."""

    def __init__(self, sandbox: engine.Engine, most: Ceilings | None = None) -> None:
        self._engine = sandbox
        self._ceilings = most or Ceilings()

    async def run(self, start: Start, context: Mapping[str, Any], stop: asyncio.Event) -> Outcome:
        """Run a script until its end, its limits, or `stop`; raises NoWorker if there was no room."""
        start, note = self._ceilings.lower(start)
        program = engine.Program(
            source=start.source,
            entrypoint=start.entrypoint,
            owner=f"{start.owner}/{source_hash(start.source)}",
            script=start.share,
            env=start.env,
        )
        limits = engine.Limits(
            timeout_seconds=start.timeout_seconds,
            memory_mb=start.limits.memory_mb,
            output_kb=start.limits.output_kb,
            log_kb=start.limits.log_kb,
        )
        try:
            result = await self._engine.execute(program, context, limits, cancelled=stop)
        except (engine.AcquireTimeout, engine.PoolClosed, engine.NeverStarted) as error:
            raise NoWorker(str(error)) from error
        return ceilings.tell(build_outcome(result), note)


def build_outcome(result: engine.Result) -> Outcome:
    """Give the engine's result in the API's words."""
    lines = [
        LogLine.model_validate(
            {"level": entry.level, "message": entry.message, "timestamp": entry.timestamp}
            | ({"data": entry.data} if entry.data else {})
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
            cpu_ms=_rounded(result.usage.cpu_ms), peak_memory_mb=_rounded(result.usage.peak_memory_mb)
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
