"""What becomes of a command that cannot go on."""

import contextlib

from scriptorium_runner.dev import ending
from scriptorium_runner.dev.screen import NobodyReads, Screen, ScreenError


def tell_trouble(screen: Screen, error: Exception) -> int:
    """Say why a command cannot go on, if somebody still listens, and give the exit code."""
    if isinstance(error, NobodyReads):
        screen.abandon()
        return ending.BROKEN_PIPE
    with contextlib.suppress(ScreenError):
        screen.complain(str(error))
    if isinstance(error, ScreenError):
        screen.abandon()
    return ending.TROUBLE
