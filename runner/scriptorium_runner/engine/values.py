"""The values that go into the engine and come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine.layers import Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How many workers there are and how long to wait for one."""

    #: Executions at the same time, and workers that are warm when nothing runs.
    pool_size: int = 10
    #: Workers forked ahead, beyond pool_size, so that a new owner or a kill does not wait for a fork.
    spare_workers: int = 2
    #: How long execute() waits for a free worker before AcquireTimeout.
    acquire_seconds: float = 30.0
    #: How long workers may be wanted and none be born until Engine.is_working says no.
    fork_patience_seconds: float = 60.0
    #: What the workers are sealed with; without all of it no worker is made.
    seal: Seal = Seal.FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one execution may use; MB and KB are MiB and KiB."""

    timeout_seconds: float = 30
    memory_mb: int = 128
    output_kb: int = 16
    log_kb: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A script to run: the body of an async function, in strict mode."""

    source: str
    #: A function declared at the top level of the source, called with the input after the body has run.
    entrypoint: str | None = None
    #: Script UID and source hash: a worker process that ran one owner's code never runs another's.
    owner: str
    #: What the script sees as `env`; never shown, since much of it is secret.
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One console line."""

    level: str
    message: str
    #: RFC 3339, UTC, milliseconds.
    timestamp: str
    #: The arguments after the message, or None if there were none.
    data: list[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptError:
    """Why a script failed, with the position in its author's own numbering (columns count UTF-16 units)."""

    name: str
    message: str
    stack: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one execution ended. `duration_ms` is the supervisor's own clock, from handing over to the
    answer."""

    reason: Reason
    output: dict[str, Any] | None = None
    error: ScriptError | None = None
    logs: tuple[LogEntry, ...] = ()
    logs_truncated: bool = False
    #: How many of the oldest lines are missing.
    logs_dropped: int = 0
    usage: Usage = Usage()
    duration_ms: float
    #: When the worker was given the script, UTC; None if none ever was.
    started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStats:
    """A snapshot of the pool; `spawned` and `killed` count since start."""

    size: int
    in_use: int
    fresh: int
    used: int
    waiting: int
    spawned: int
    killed: int
