"""Trying what may end the process, in a process of its own."""

import os
from collections.abc import Callable


def survives(attempt: Callable[[], bool]) -> bool:
    """Say whether an attempt says yes, rather than no, or raises, or takes its process down."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if attempt() else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
