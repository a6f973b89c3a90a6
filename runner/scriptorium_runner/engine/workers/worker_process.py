"""A forked process, as the supervisor holds it."""

import asyncio
import contextlib
import math
import os
import resource
import signal
import time
from dataclasses import dataclass, field

from scriptorium_api.values import frozen

_MB = 1024 * 1024
#: Address space beyond twice the script's memory: the heap's holes and Python's own needs.
_ADDRESS_SPACE_MB = 96
#: The kernel's limit counts whole seconds.
_CPU_SECONDS_BEYOND_LIMIT = 1
#: The kind of a process' CPU clock in its number, see clock_getcpuclockid(3).
_CPU_CLOCK = 2


@frozen(kw_only=True)
class Exit:
    """How a worker process ended, as the kernel counted it."""

    status: int
    cpu_seconds: float
    peak_kb: int

    @property
    def signal_number(self) -> int | None:
        """The signal that ended it, if one did."""
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None


@dataclass(eq=False, slots=True, kw_only=True)
class WorkerProcess:
    """A forked process. It is signalled through its pidfd, so never another process that got its number."""

    pid: int
    pidfd: int
    #: Bytes of address space it began with.
    address_space: int
    #: None if the zygote went first and nobody counted.
    exited: asyncio.Future[Exit | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    #: What it is held to by now, and what it cannot be held above; nobody else changes either.
    _limits: dict[int, int] = field(default_factory=dict, init=False, repr=False)
    _hard: dict[int, int] = field(default_factory=dict, init=False, repr=False)

    def kill(self) -> None:
        """End it now; ending it twice is no error."""
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def confine(self, memory_mb: int, timeout_seconds: float) -> None:
        """Have the kernel hold it to a run's memory, and end it if it computes for longer, now or later.

        That it computes after its answer is what no other wall would notice. It is done from here because a
        sealed worker cannot change its limits, whatever runs in it.
        """
        if self.exited.done():
            return
        memory = self.address_space + (2 * memory_mb + _ADDRESS_SPACE_MB) * _MB
        # It may have ended a moment ago; whoever speaks to it will see.
        with contextlib.suppress(ProcessLookupError):
            seconds = math.ceil(self._read_cpu_seconds() + timeout_seconds) + _CPU_SECONDS_BEYOND_LIMIT
            self._limit(resource.RLIMIT_AS, memory)
            self._limit(resource.RLIMIT_CPU, seconds)

    def _limit(self, kind: int, value: int) -> None:
        if self._limits.get(kind) == value:
            return
        # Until it is reaped, which the supervisor hears of, no other process has its number.
        if kind not in self._hard:
            self._hard[kind] = resource.prlimit(self.pid, kind)[1]
        hard = self._hard[kind]
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.prlimit(self.pid, kind, (soft, hard))
        self._limits[kind] = value

    def _read_cpu_seconds(self) -> float:
        try:
            return time.clock_gettime((~self.pid << 3) | _CPU_CLOCK)
        except OSError as error:
            raise ProcessLookupError from error  # The kernel has no such clock any more.
