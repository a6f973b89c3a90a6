"""The values that go into the engine and come out of it."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from scriptorium_api.ceilings import MEMORY_PART
from scriptorium_api.reasons import Reason
from scriptorium_api.values import frozen
from scriptorium_runner.engine.http import HttpRequest, HttpResponse
from scriptorium_runner.engine.seal.layers import Seal


class Lane(StrEnum):
    """What a script runs for; the slots are shared by it."""

    QUEUED = "queued"
    """A run that can wait."""
    HTTP = "http"
    """A request that somebody waits for."""
    CALLED = "called"
    """Another script that waits for it."""


@frozen(kw_only=True)
class EngineSettings:
    """How many workers there are and how long to wait for one."""

    #: Executions at the same time, at most.
    pool_size: int = 10
    #: Workers that are warm when nothing runs, at most pool_size; beyond it the pool grows as it is needed.
    initial_workers: int = 10
    #: Workers forked ahead, beyond pool_size, so that a new owner or a kill does not wait for a fork.
    spare_workers: int = 2
    #: Workers that ran a Script lately and may stay for it, beyond pool_size and spare_workers.
    kept_workers: int = 20
    #: Executions at the same time for each depth of calls from script to script, beyond pool_size: what waits
    #: for a deeper one never holds what that one needs. They are forked when they are first needed.
    nested_slots: int = 2
    #: How long workers that were needed at once are kept for the next time.
    idle_seconds: float = 300.0
    #: The part of pool_size that one Script may hold while others wait.
    script_share: float = 0.5
    #: The part of pool_size, and of the memory, that is kept for HTTP while something serves it.
    http_reserve: float = 0.5
    #: The part of the container's memory at which the largest worker is ended.
    memory_part: float = MEMORY_PART
    #: Sources of which it is remembered whether they are JavaScript; 0 remembers none.
    cache_size: int = 1000
    #: How long execute() waits for a free worker before AcquireTimeout.
    acquire_seconds: float = 30.0
    #: How long it does for a request, whose caller had better hear soon that there is no room.
    http_acquire_seconds: float = 2.0
    #: How long workers may be wanted and none be born until Engine.is_working says no.
    fork_patience_seconds: float = 60.0
    #: What the workers are sealed with; without all of it no worker is made.
    seal: Seal = Seal.FULL


@frozen(kw_only=True)
class Limits:
    """What one execution may use; MB and KB are MiB and KiB."""

    timeout_seconds: float = 30
    memory_mb: int = 128
    #: Of an answer to an HTTP request its body.
    output_kb: int = 16
    log_kb: int = 16
    api_calls: int = 100
    #: Host calls at once; more of them wait in the worker for their turn.
    pending_calls: int = 50


@frozen(kw_only=True)
class Program:
    """A script to run: the body of an async function, in strict mode."""

    source: str
    #: A function declared at the top level of the source, called with the input after the body has run.
    entrypoint: str | None = None
    #: Script UID and source hash: a worker process that ran one owner's code never runs another's.
    owner: str
    #: How many scripts wait for this one, each of which called the next.
    depth: int = 0
    #: In whose share of the slots a run counts: the Script's UID, whatever its source. None: the owner's.
    script: str | None = None
    #: In which lane it takes its turn; what another script called has a lane of its own, whatever this says.
    lane: Lane = Lane.QUEUED
    #: What the script sees as `env`; never shown, since much of it is secret.
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: What the script is to answer: it has it as `request`, its entrypoint is called with it instead of the
    #: input, and its result is a response instead of an output.
    request: HttpRequest | None = None


@frozen(kw_only=True)
class LogEntry:
    """One console line."""

    level: str
    message: str
    #: RFC 3339, UTC, milliseconds.
    timestamp: str
    #: The arguments after the message, or None if there were none.
    data: list[Any] | None = None
    #: The Script that wrote it, where that is one that the run called.
    script: str | None = None
    #: Its message is only the beginning of what was written.
    is_cut: bool = False


@frozen(kw_only=True)
class ScriptError:
    """Why a script failed, with the position in its author's own numbering (columns count UTF-16 units)."""

    name: str
    message: str
    stack: str = ""
    line: int | None = None
    column: int | None = None


@frozen(kw_only=True)
class Usage:
    """What a run used; None where it cannot be known.

    `cpu_ms` is the worker's CPU time from the first byte of the script to its result. For a killed worker it
    is what the kernel counted for the process since its last report, so up to 3 ms of making the context
    ready are in it. `peak_memory_mb` is the highest resident size of the worker process during the run: the
    script's memory and about 15 MB of interpreter, most of it shared with other workers. It is set back
    before each run through /proc/self/clear_refs; where the kernel does not allow that it is None.
    """

    cpu_ms: float | None = None
    peak_memory_mb: float | None = None
    #: Host calls that counted, by the supervisor's own record; None for a run that no worker saw.
    api_calls: int | None = None


@frozen(kw_only=True)
class Result:
    """How one execution ended. `duration_ms` is the supervisor's own clock, from handing over to the
    answer."""

    reason: Reason
    output: dict[str, Any] | None = None
    #: Only of a program with a request, and instead of an output.
    response: HttpResponse | None = None
    error: ScriptError | None = None
    logs: tuple[LogEntry, ...] = ()
    logs_truncated: bool = False
    #: How many of the oldest lines are missing.
    logs_dropped: int = 0
    usage: Usage = Usage()
    duration_ms: float
    #: When the worker was given the script, UTC; None if none ever was.
    started_at: datetime | None


@frozen
class EngineVersion:
    """Which quickjs-ng runs: `build` is `wheel`, or `rebuilt: ` with the flags and the compiler."""

    version: str
    build: str

    @property
    def is_rebuilt(self) -> bool:
        """Say whether it is the one that images have."""
        return self.build.startswith("rebuilt")


@frozen(kw_only=True)
class EngineStats:
    """A snapshot of the pool; the numbers from `spawned` on count since start."""

    #: Executions at the same time, at most.
    size: int
    in_use: int
    #: How many of these slots are kept for HTTP at this moment.
    reserved: int
    #: Who holds a worker, and who waits for one, by lane.
    lane_busy: Mapping[Lane, int]
    lane_waiting: Mapping[Lane, int]
    #: Warm workers that ran nothing yet, and warm ones that wait for their own Script.
    fresh: int
    used: int
    waiting: int
    spawned: int
    killed: int
    #: Callers for whom a warm worker was there when it was their turn, and those who had to wait for a fork.
    hits: int
    misses: int
    #: Callers who waited, for whatever it was, and how long in all, in seconds; who gave up too.
    waits: int
    waited_seconds: float
    #: The container's memory (None: no limit), what the runs in progress may take of it, what the supervisor
    #: holds of their calls, and how many workers were ended because it was nearly used up.
    memory_limit_mb: float | None
    memory_promised_mb: int
    memory_held_mb: float
    memory_kills: int
    #: Sources of which it is known whether they are JavaScript, questions that this answered, and others.
    cache_entries: int = 0
    cache_hits: int = 0
    cache_misses: int = 0

    @property
    def hit_rate(self) -> float | None:
        """Give the part of the callers for whom a warm worker was there; None if there was no caller yet."""
        callers = self.hits + self.misses
        return self.hits / callers if callers else None
