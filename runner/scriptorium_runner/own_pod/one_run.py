"""One run in a pod of its own, from the first look to its end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_api.values import frozen
from scriptorium_client import Client
from scriptorium_runner.executions.errors import BoardError
from scriptorium_runner.executions.handling import Done, Handling, LookAgain, Place, Result, Signals, Visit
from scriptorium_runner.executions.ports import Sandbox
from scriptorium_runner.sources import one_run
from scriptorium_runner.sources.one_run import Sight, Target

if TYPE_CHECKING:
    from scriptorium_api.cron_script import CronScript

log = logging.getLogger(__name__)

#: Between two looks at a run that waits for something; nobody tells this runner of Scripts and ConfigMaps.
LOOK_SECONDS = 2.0

#: How long a run that was cut off has for its last status.
SETTLE_SECONDS = 10.0

#: So long a run that is not claimed yet is left unheard.
UNHEARD_SECONDS = 1.0


@frozen
class Pod:
    """What every run in the pod shares."""

    client: Client
    sandbox: Sandbox
    place: Place
    drain_seconds: float
    on_end: Callable[[ScriptExecution, ExecutionStatus], None]


@frozen
class Known:
    """A run as it was read just now, and its CronScript as it was judged by."""

    execution: ScriptExecution
    cron_script: "CronScript"


class OneRun:
    """One run, or one attempt of it, if that is given.

    What is known of it spares the first look its questions: its claim counts only if it is still so.
    """

    def __init__(
        self, pod: Pod, target: Target, attempt: int | None = None, known: Known | None = None
    ) -> None:
        self._pod, self._target, self._attempt, self._known = pod, target, attempt, known
        self._signals = Signals()
        self._seen = datetime.now(UTC)
        self._written: ExecutionStatus | None = None
        self._has_begun = self._has_failed_elsewhere = False

    async def follow(self, stopping: asyncio.Event) -> int:
        """See the run to its end, or until told to stop; gives the exit code."""
        work = asyncio.create_task(self._work())
        listening = asyncio.create_task(self._listen())
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._drain(work)
            await work
        except asyncio.CancelledError:
            log.warning("cut off before the last status was written")
        finally:
            for task in (listening, work, stop):
                task.cancel()
            await asyncio.gather(listening, work, stop, return_exceptions=True)
        if self._written is None and (stopping.is_set() or self._has_failed_elsewhere):
            return 1
        return 0 if self._written is None or self._written.phase is Phase.SUCCEEDED else 1

    async def _listen(self) -> None:
        """Hear what becomes of the run: from its claim on, or soon if it has to wait.

        Any earlier its script would wait for that too: for another connection, a list and a watch. A claim
        counts only for the run as it was read, so nobody's cancelling is missed before it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNHEARD_SECONDS):
                await self._signals.claimed.wait()
        await one_run.listen(self._pod.client, self._target, self._signals)

    async def _drain(self, work: asyncio.Task[None]) -> None:
        """Let a script that has started go on for a while; nothing new is started."""
        log.info("told to stop, draining")
        self._signals.draining.set()
        await asyncio.wait({work}, timeout=self._pod.drain_seconds)
        self._signals.stop.set()
        await asyncio.wait({work}, timeout=SETTLE_SECONDS)
        work.cancel()

    async def _work(self) -> None:
        while (sight := await self._look()) and self._is_due(sight.execution):
            self._has_begun = True
            result = await self._handle(sight)
            # Whether another took an attempt, or only changed its run, a claim that failed does not tell.
            is_over = self._written is not None and self._attempt is not None
            if is_over or self._signals.draining.is_set():
                return
            await self._pause(result)
        if self._has_begun and self._written is None and sight:
            # Somebody else settled what was in this runner's hands.
            phase = sight.execution.status.phase
            self._has_failed_elsewhere = phase.is_terminal and phase is not Phase.SUCCEEDED
        log.info("nothing more to do: the run is over, or is another's")

    async def _look(self) -> Sight | None:
        known, self._known = self._known, None
        if known is None:
            return await one_run.look(self._pod.client, self._target)
        return await one_run.look_around(self._pod.client, known.execution, known.cron_script)

    async def _pause(self, result: Result) -> None:
        if isinstance(result, Done):
            # Of a run that is all this runner's the next attempt is seen to at once.
            return
        seconds = min(result.seconds, LOOK_SECONDS) if isinstance(result, LookAgain) else LOOK_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._signals.stop.wait()

    def _is_due(self, execution: ScriptExecution) -> bool:
        """Say whether what this runner is there for has not begun."""
        status = execution.status
        is_awaited = self._attempt is None or status.attempt == self._attempt - 1
        return status.phase is Phase.PENDING and is_awaited

    async def _handle(self, sight: Sight) -> Result:
        handling = Handling(sight.board, self._pod.sandbox, self._pod.place, self._record_end)
        try:
            return await handling.handle(Visit(sight.execution, self._seen, self._signals))
        except BoardError as error:
            log.warning("run not handled, looking again", extra={"error": str(error)})
            return LookAgain(LOOK_SECONDS)

    def _record_end(self, execution: ScriptExecution, status: ExecutionStatus) -> None:
        self._written = status
        self._pod.on_end(execution, status)
