"""Imports of what stays for as long as the process lives."""

import contextlib
import gc
from collections.abc import Iterator

from scriptorium_runner import authorities

#: So many new objects are made until the collector looks for those that only hold each other.
_OBJECTS_PER_LOOK = 10_000


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Import what a pod needs, and no more than that: its run waits for it.

    All that is imported stays, so the collector has nothing to look for, now or later.
    """
    gc.disable()
    try:
        with authorities.unread():
            yield
    finally:
        rest_collector()
        gc.enable()


def rest_collector() -> None:
    """Have the collector look at what is made from now on, and not so often.

    Hundreds of requests under way are all alive each time that it looks, so its work grew with their number.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_LOOK)
