"""A forked process, as the supervisor holds it."""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
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
    #: None if the zygote went first and nobody counted.
    exited: asyncio.Future[Exit | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def kill(self) -> None:
        """End it now; ending it twice is no error."""
        if not self.exited.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
