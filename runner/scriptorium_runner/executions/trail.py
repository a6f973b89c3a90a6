"""What a run and all that it calls were given and left; one for each run."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from scriptorium_runner import engine
from scriptorium_runner.engine import LogEntry, Result
from scriptorium_runner.executions.redaction import Redaction

#: A process that was told to end is gone within milliseconds; nobody's result waits longer for its lines.
LAST_LINES_SECONDS = 2.0


class Trail:
    """Keeps the secrets that were handed out, and the console lines of the Scripts that were called."""

    def __init__(self, log_bytes: int) -> None:
        """`log_bytes` is the limit of the run's own lines and the others' together."""
        self._limit = log_bytes
        self._secrets: set[str] = set()
        self._lines: tuple[LogEntry, ...] = ()
        self._is_cut = False
        self._dropped = 0
        self._called: set[asyncio.Task[Result]] = set()

    def hand_out(self, secrets: Iterable[str]) -> None:
        """Note values of Secrets that the run, or what it calls, is about to be given."""
        self._secrets.update(secrets)

    async def follow(
        self, script: str, run: Callable[[asyncio.Event], Coroutine[Any, Any, Result]]
    ) -> Result:
        """Have a Script run for its caller and keep its lines; give what the caller is told of its end.

        If the caller ends first, the run is told to end, by its event, and its lines are kept all the same.
        """
        stop = asyncio.Event()
        called = asyncio.create_task(self._keep(script, run(stop)))
        self._called.add(called)
        called.add_done_callback(self._forget)
        try:
            return await asyncio.shield(called)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def _keep(self, script: str, running: Coroutine[Any, Any, Result]) -> Result:
        return self._leave(script, await running)

    def _forget(self, called: asyncio.Task[Result]) -> None:
        self._called.discard(called)
        if not called.cancelled():
            # Whoever still waits is told of it; nobody may be waiting any more.
            called.exception()

    def _leave(self, script: str, called: Result) -> Result:
        """Keep the lines of a Script that was called; its error is told without secrets.

        Its output is its own to choose, and goes to the caller as it is.
        """
        lines = (replace(line, script=script) for line in called.logs)
        self._is_cut = self._is_cut or called.logs_truncated
        self._dropped += called.logs_dropped
        self._lines = self._keep_newest((*self._lines, *lines))
        error = Redaction(self._secrets).redact_error(called.error) if called.error else None
        return replace(called, error=error)

    async def complete(self, result: Result) -> Result:
        """Give what may be known of the run: with the lines of what it called, and without any secret."""
        if self._called:
            await self._wait_for_called()
        lines = self._keep_newest((*result.logs, *self._lines)) if self._lines else result.logs
        whole = result
        if self._lines or self._is_cut or self._dropped:
            whole = replace(
                result,
                logs=lines,
                logs_truncated=result.logs_truncated or self._is_cut,
                logs_dropped=result.logs_dropped + self._dropped,
            )
        return Redaction(self._secrets).redact(whole) if self._secrets and _says_anything(whole) else whole

    async def _wait_for_called(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LINES_SECONDS):
                while self._called:
                    await asyncio.wait(self._called)

    def _keep_newest(self, lines: tuple[LogEntry, ...]) -> tuple[LogEntry, ...]:
        """Put lines into their order, and keep no more of them than the limit allows."""
        kept, is_cut = engine.keep_newest(sorted(lines, key=lambda line: line.timestamp), self._limit)
        self._is_cut = self._is_cut or is_cut
        self._dropped += len(lines) - len(kept)
        return kept


def _says_anything(result: Result) -> bool:
    """Say whether a run left anything that could hold a secret; an answer is its caller's, and stays."""
    return bool(result.logs or result.error or result.output)
