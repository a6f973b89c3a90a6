"""What can keep a status from being written.

BoardError
 ├ Superseded   somebody else wrote first
 ├ Vanished     the run was deleted
 ├ Refused      the status is not valid: our bug
 └ Unreachable  nobody answers: try again
    └ NoRoom    a quota leaves no room for the run
NoWorker        the sandbox had no room for a run that never started
"""


class NoWorker(Exception):
    """The sandbox had no free worker in time; the script has not started."""


class BoardError(Exception):
    """A status was not written."""


class Superseded(BoardError):
    """The run changed since it was read."""


class Vanished(BoardError):
    """The run does not exist any more."""


class Refused(BoardError):
    """The status was refused as invalid."""


class Unreachable(BoardError):
    """Nobody answers, or asks to be left alone for a while."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoRoom(Unreachable):
    """A quota leaves no room for the run."""
