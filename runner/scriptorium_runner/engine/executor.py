"""The engine as its callers see it: programs in, results out."""

import asyncio
import contextlib
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner.engine import context as contexts
from scriptorium_runner.engine import flaw, http, result, verdicts
from scriptorium_runner.engine.errors import NeverStarted, PoolClosed
from scriptorium_runner.engine.held import Held
from scriptorium_runner.engine.host_calls import HostCalls, NoHost
from scriptorium_runner.engine.pool.claims import Claim
from scriptorium_runner.engine.pool.container_memory import ContainerMemory
from scriptorium_runner.engine.pool.pool import Pool
from scriptorium_runner.engine.protocol import Request
from scriptorium_runner.engine.result import CANCELLED, Settled, Verdict
from scriptorium_runner.engine.seal.layers import Layer
from scriptorium_runner.engine.values import (
    EngineSettings,
    EngineStats,
    EngineVersion,
    Lane,
    Limits,
    Program,
    Result,
    ScriptError,
    Usage,
)
from scriptorium_runner.engine.verdicts import VerdictCache
from scriptorium_runner.engine.workers.call_record import MOST_FREE_CALLS
from scriptorium_runner.engine.workers.channel import Errand, Worker
from scriptorium_runner.engine.workers.zygote_start import Begun

#: A worker that has grown beyond this gives its memory back by ending: malloc keeps freed pages, many workers
#: are kept, and the next run's peak would be counted from there. One that ran a small script has 13.
_REUSABLE_PEAK_MB = 32.0
#: Fragments add up; a fork now and then costs nothing.
_REUSABLE_RUNS = 1000
#: A worker can die while it waits; then the script did not start and another worker gets it.
_ATTEMPTS = 3
#: The supervisor holds a request's body as it came and in its frame, the worker in that and cut out of it.
_BODY_COPIES = 2
_MB = 1024 * 1024
_SYNTAX_LIMITS = Limits(timeout_seconds=1)


@frozen
class _Task:
    program: Program
    limits: Limits
    request: Request
    host: HostCalls

    @property
    def claim(self) -> Claim:
        """Say what a worker is wanted for."""
        return Claim(
            owner=self.program.owner,
            script=self.program.owner if self.program.script is None else self.program.script,
            memory_mb=self.limits.memory_mb + _BODY_COPIES * len(self.request.body) // _MB,
            depth=self.program.depth,
            lane=Lane.CALLED if self.program.depth else self.program.lane,
        )


class Engine:
    """A pool of sandboxed workers that run JavaScript."""

    def __init__(self, settings: EngineSettings, container: ContainerMemory | None = None) -> None:
        """`container` is the memory that all runs share; without it only their number is limited."""
        self._settings = settings
        self._container = container
        #: What the supervisor holds of calls under way; hosts count it here.
        self.held = Held()
        self._verdicts = VerdictCache(settings.cache_size)
        self._pool: Pool | None = None

    async def start(self, begun: Begun | None = None) -> None:
        """Start the zygote, if none was begun, and have the workers warm."""
        pool = Pool(self._settings, self._container, self.held)
        await pool.start(begun)
        self._pool = pool

    async def execute(
        self,
        program: Program,
        context: Mapping[str, Any],
        limits: Limits,
        *,
        cancelled: asyncio.Event | None = None,
        host: HostCalls | None = None,
    ) -> Result:
        """Run a program once and say how it ended; whatever the script does, at most 250 ms after its limit.

        The result is what JSON.stringify makes of the returned value: an object as it is, anything else as
        {"value": ...}, undefined and null as {}. Functions and symbols are left out as JSON does (alone: {}),
        NaN is null, dates are ISO strings, Maps and Sets are {}; a BigInt or a circle is a ScriptError.
        Of a program with a request the result is a response instead, or a ScriptError named InvalidResponse.
        `host` answers the script's host calls; without it there are none.
        """
        context_text = contexts.render_context(context)
        if found := flaw.find_flaw(program) or self._find_known_flaw(program):
            return _build_unstarted(found)
        task = _build_task(program, context_text, limits, host=host)
        with self.held.hold(_BODY_COPIES * len(task.request.body)):
            result = await self._run(task, cancelled)
        if result.reason is Reason.SYNTAX_ERROR:
            self._verdicts.keep(program.source, result.error)
        return result

    async def validate_syntax(self, source: str) -> ScriptError | None:
        """Say what is wrong with a source, or None; it is parsed in a worker of its own, for at most 1 s."""
        program = Program(
            source=source, owner=f"syntax/{hashlib.sha256(source.encode(errors='replace')).hexdigest()}"
        )
        if found := flaw.find_flaw(program):
            return found.error
        is_known, error = self._verdicts.look_up(source)
        return error if is_known else await self._judge(program)

    async def _judge(self, program: Program) -> ScriptError | None:
        task = _build_task(program, "{}", _SYNTAX_LIMITS, only_check_syntax=True)
        result = await self._run(task, None)
        if result.reason in (Reason.COMPLETED, Reason.SYNTAX_ERROR):
            self._verdicts.keep(program.source, result.error)
        return result.error

    def _find_known_flaw(self, program: Program) -> Verdict | None:
        error = self._verdicts.find_error(program.source)
        return Verdict(reason=Reason.SYNTAX_ERROR, error=error) if error is not None else None

    @property
    def is_working(self) -> bool:
        """Say whether this engine can be expected to run scripts; a health check asks this.

        False once workers have been wanted for `fork_patience_seconds` (60 s) and not one could be forked,
        true again with the next one that is. False also before `start` and after `shutdown`. Scripts that
        already run may end well although it is False.
        """
        return self._pool is not None and self._pool.is_working

    @property
    def reserved_slots(self) -> int:
        """Say how many of the slots are kept from runs of the queue at this moment."""
        return 0 if self._pool is None else self._pool.reserved

    def reserve_for_http(self, *, is_served: bool) -> None:
        """Say whether anything serves HTTP here: only then slots and memory are kept for it.

        At first nothing does. What runs stays where it is, so the reserve fills as runs of the queue end.
        """
        self._open_pool().reserve_for_http(is_served=is_served)

    def layers(self) -> Mapping[Layer, bool]:
        """Say which layers the workers are sealed with; none that is required is missing."""
        return self._open_pool().layers

    def version(self) -> EngineVersion:
        """Say which JavaScript engine runs, and who compiled it."""
        return EngineVersion(verdicts.find_engine_version(), self._open_pool().build)

    def stats(self) -> EngineStats:
        """Count the workers, their callers and the verdicts."""
        known = self._verdicts
        return replace(
            self._open_pool().stats(),
            cache_entries=len(known),
            cache_hits=known.hits,
            cache_misses=known.misses,
        )

    async def shutdown(self) -> None:
        """End all workers and the zygote; what still runs ends as EngineCrash."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.shutdown()

    async def _run(self, task: _Task, cancelled: asyncio.Event | None) -> Result:
        pool = self._open_pool()
        for _ in range(_ATTEMPTS):
            worker = await _acquire(pool, task.claim, cancelled)
            if worker is None:
                return _build_unstarted(CANCELLED)
            with contextlib.suppress(NeverStarted):
                return await _run_on(pool, worker, task, cancelled)
        raise NeverStarted

    def _open_pool(self) -> Pool:
        if self._pool is None:
            raise PoolClosed
        return self._pool


async def _run_on(pool: Pool, worker: Worker, task: _Task, cancelled: asyncio.Event | None) -> Result:
    """Have a worker run a task and give it back."""
    is_reusable = False
    try:
        settled = result.settle(
            task.program,
            task.limits,
            await worker.run(Errand(task.request, task.host, task.limits, pool.backlog), cancelled),
        )
        worker.cpu_seconds = settled.cpu_seconds
        is_reusable = not task.request.only_check_syntax and _is_reusable(worker, settled)
        return settled.result
    finally:
        pool.release(worker, is_reusable=is_reusable)


async def _acquire(pool: Pool, claim: Claim, cancelled: asyncio.Event | None) -> Worker | None:
    """Take a worker, or None if the caller gave up before there was one."""
    if cancelled is None:
        return await pool.acquire(claim)
    if cancelled.is_set():
        return None
    if worker := pool.take(claim):
        return worker
    acquiring, giving_up = asyncio.create_task(pool.acquire(claim)), asyncio.create_task(cancelled.wait())
    try:
        await asyncio.wait((acquiring, giving_up), return_when=asyncio.FIRST_COMPLETED)
        return acquiring.result() if acquiring.done() else None
    except asyncio.CancelledError:
        acquiring.add_done_callback(lambda task: _give_back(pool, task))
        raise
    finally:
        giving_up.cancel()
        acquiring.cancel()


def _give_back(pool: Pool, acquiring: asyncio.Task[Worker]) -> None:
    """Give a worker back that was found for a caller who was cancelled in that moment."""
    if not acquiring.cancelled() and acquiring.exception() is None:
        pool.release(acquiring.result(), is_reusable=True)


def _build_task(
    program: Program,
    context: str,
    limits: Limits,
    *,
    host: HostCalls | None = None,
    only_check_syntax: bool = False,
) -> _Task:
    host = host or NoHost()
    asked = program.request
    request = Request(
        source=program.source,
        entrypoint=program.entrypoint,
        context=context,
        timeout_seconds=limits.timeout_seconds,
        memory_mb=limits.memory_mb,
        output_kb=limits.output_kb,
        log_kb=limits.log_kb,
        only_check_syntax=only_check_syntax,
        env=json.dumps(dict(program.env)) if program.env else "{}",
        host=_render_host(tuple(host.methods.items()), limits.api_calls, limits.pending_calls),
        head=None if asked is None else http.render_head(asked),
        body=b"" if asked is None else asked.body,
    )
    return _Task(program, limits, request, host)


@functools.lru_cache(maxsize=100)
def _render_host(methods: tuple[tuple[str, bool], ...], calls: int, pending: int) -> str:
    """Write what a worker is told of its host; it is the same for nearly all runs."""
    words = {"methods": dict(methods), "calls": calls, "pending": pending, "free": MOST_FREE_CALLS}
    return json.dumps(words)


def _build_unstarted(verdict: Verdict) -> Result:
    """Build the Result of a program that no worker saw."""
    return Result(
        reason=verdict.reason,
        error=verdict.error,
        usage=Usage(),
        duration_ms=0.0,
        started_at=None,
    )


def _is_reusable(worker: Worker, settled: Settled) -> bool:
    peak = settled.result.usage.peak_memory_mb
    return settled.is_clean and worker.runs < _REUSABLE_RUNS and (peak is None or peak < _REUSABLE_PEAK_MB)
