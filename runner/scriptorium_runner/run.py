"""`scriptorium-runner run`: takes one attempt of one execution, in a pod of its own, and ends with it."""

import asyncio
import contextlib
import logging
import signal
from datetime import UTC, datetime

from scriptorium_api.execution import ExecutionStatus, ScriptExecution
from scriptorium_api.reasons import Phase
from scriptorium_client import Client, load_config
from scriptorium_runner import engine, logs
from scriptorium_runner.executions.errors import BoardError
from scriptorium_runner.executions.handling import Done, Handling, LookAgain, Place, Result, Signals, Visit
from scriptorium_runner.executions.sandbox import EngineSandbox, Outside
from scriptorium_runner.host.http import Denials, HttpClient
from scriptorium_runner.settings import RunSettings
from scriptorium_runner.sources import one_run
from scriptorium_runner.sources.one_run import Sight, Target

log = logging.getLogger(__name__)

#: Between two looks at a run that waits for something; nobody tells this runner of Scripts and ConfigMaps.
LOOK_SECONDS = 2.0

#: How long a run that was cut off has for its last status.
SETTLE_SECONDS = 10.0


async def run_one(settings: RunSettings) -> int:
    """Run the attempt; gives 0 if it succeeded or was not there to be run, else 1.

    Raises EngineStartFailed.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    sandbox = engine.Engine(
        engine.EngineSettings(pool_size=1, seal=settings.seal), engine.find_container_memory()
    )
    async with Client(load_config(), user_agent="scriptorium-runner") as client:
        await sandbox.start()
        try:
            async with HttpClient(settings.http) as http:
                denials = Denials()
                outside = Outside(http, lambda start, end: denials.note(start.owner, start.script, end))
                place = EngineSandbox(sandbox, settings.ceilings, outside)
                return await _OneRun(settings, client, place).follow(stopping)
        finally:
            await sandbox.shutdown()


class _OneRun:
    """One attempt of one run, from the first look to its end."""

    def __init__(self, settings: RunSettings, client: Client, sandbox: EngineSandbox) -> None:
        self._settings, self._client, self._sandbox = settings, client, sandbox
        self._target = Target(settings.namespace, settings.execution, settings.uid)
        self._place = Place(
            holder=settings.holder,
            tenant=settings.tenant,
            slots=1,
            is_enabled=settings.is_enabled,
        )
        self._signals = Signals()
        self._seen = datetime.now(UTC)
        self._written: ExecutionStatus | None = None

    async def follow(self, stopping: asyncio.Event) -> int:
        """See the attempt to its end, or until told to stop; gives the exit code."""
        listening = asyncio.create_task(one_run.listen(self._client, self._target, self._signals))
        work = asyncio.create_task(self._work())
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
        if self._written is None:
            return 1 if stopping.is_set() else 0
        return 0 if self._written.phase is Phase.SUCCEEDED else 1

    async def _drain(self, work: asyncio.Task[None]) -> None:
        """Let a script that has started go on for a while; nothing new is started."""
        log.info("told to stop, draining")
        self._signals.draining.set()
        await asyncio.wait({work}, timeout=self._settings.drain_seconds)
        self._signals.stop.set()
        await asyncio.wait({work}, timeout=SETTLE_SECONDS)
        work.cancel()

    async def _work(self) -> None:
        while (sight := await one_run.look(self._client, self._target)) and self._is_due(sight.execution):
            result = await self._handle(sight)
            if isinstance(result, Done) or self._signals.draining.is_set():
                return
            pause = min(result.seconds, LOOK_SECONDS) if isinstance(result, LookAgain) else LOOK_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._signals.stop.wait()
        log.info("nothing to do: the attempt is over, or is another's")

    def _is_due(self, execution: ScriptExecution) -> bool:
        """Say whether the attempt that this runner is there for has not begun."""
        status = execution.status
        return status.phase is Phase.PENDING and status.attempt == self._settings.attempt - 1

    async def _handle(self, sight: Sight) -> Result:
        handling = Handling(sight.board, self._sandbox, self._place, self._record_end)
        try:
            return await handling.handle(Visit(sight.execution, self._seen, self._signals))
        except BoardError as error:
            log.warning("run not handled, looking again", extra={"error": str(error)})
            return LookAgain(LOOK_SECONDS)

    def _record_end(self, execution: ScriptExecution, status: ExecutionStatus) -> None:
        self._written = status
        logs.write_script_logs(execution, status)
