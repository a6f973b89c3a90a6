"""What the engine raises. A script's own error is never here: it is a Result.

EngineError
|-- InvalidContext      the caller's context is not JSON
|-- PoolClosed          the engine was shut down, or never started
|-- AcquireTimeout      no worker became free in time
|-- EngineStartFailed   the zygote did not come up
|   `-- SealMissing     it cannot seal its workers as required
|-- CallLimitReached    a script asked for more host calls than it may
|-- NoRoom              the calls under way hold too much
`-- WorkerLost          a worker's channel ended or broke its protocol
    `-- NeverStarted    it was dead before the script could be handed over
"""


class EngineError(Exception):
    """The engine could not do what it was asked; its docstring is the default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class InvalidContext(EngineError):
    """The context cannot be written as JSON."""


class PoolClosed(EngineError):
    """The engine is not running."""


class AcquireTimeout(EngineError):
    """No worker became free in time."""


class EngineStartFailed(EngineError):
    """The zygote that forks the workers did not start."""


class CallLimitReached(EngineError):
    """The script made more host calls than its limit allows."""


class NoRoom(EngineError):
    """The calls under way hold too much."""


class SealMissing(EngineStartFailed):
    """The sandbox lacks a layer that it requires."""


class WorkerLost(EngineError):
    """The worker is gone, or says what no worker may say."""


class NeverStarted(WorkerLost):
    """The worker was gone before it was given anything to run."""
