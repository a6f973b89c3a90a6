"""What the supervisor itself holds of calls under way: bodies that are being sent, inputs of called scripts,
bodies of requests that scripts answer.

It is counted from before the supervisor sets out with it until the call has ended, in bytes. The pool takes
it into account before it admits another run.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from scriptorium_runner.engine.errors import NoRoom

_MB = 1024 * 1024
#: Of one run: sixteen of the largest bodies.
MOST_RUN_BYTES = 16 * _MB
#: Of all runs: a part of the smallest container that runs scripts side by side.
MOST_BYTES = 64 * _MB

_OWN = (
    f"the calls under way of this script hold more than {MOST_RUN_BYTES} bytes: await fewer of them at once"
)
_ALL = "the calls under way of all scripts in this runner hold too much: await this script's others first"

_NOTHING = contextlib.nullcontext()


class Held:
    """What is held for all runs."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._on_less: Callable[[], None] = lambda: None
        #: In bytes.
        self.size = 0

    def listen(self, on_less: Callable[[], None]) -> None:
        """Have somebody told whenever it gets less."""
        self._on_less = on_less

    def open(self) -> "Share":
        """Begin with a run."""
        return Share(self)

    def has_room(self, size: int) -> bool:
        """Say whether there is room for so much."""
        return self.size + size <= self._most

    def hold(self, size: int) -> AbstractContextManager[None]:
        """Count so much, of which nobody is asked whether there is room; nothing happens for nothing."""
        # Most requests have no body.
        return self._count(size) if size else _NOTHING

    @contextlib.contextmanager
    def _count(self, size: int) -> Iterator[None]:
        self.add(size)
        try:
            yield
        finally:
            self.remove(size)

    def add(self, size: int) -> None:
        """Count so much."""
        self.size += size

    def remove(self, size: int) -> None:
        """Count so much no more."""
        self.size -= size
        self._on_less()


class Share:
    """What is held for one run."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self.size = 0

    @contextlib.contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Count so many bytes while a call is under way; raises NoRoom.

        The only call of a run always has room: runs that hold much cannot keep others from all calls. So what
        is held for all runs together may exceed its limit by one call of each run.
        """
        if self.size:
            self._check(size)
        self.size += size
        self._held.add(size)
        try:
            yield
        finally:
            self.size -= size
            self._held.remove(size)

    def _check(self, size: int) -> None:
        if self.size + size > MOST_RUN_BYTES:
            raise NoRoom(_OWN)
        if not self._held.has_room(size):
            raise NoRoom(_ALL)


def weigh(value: dict[str, Any]) -> int:
    """Give the bytes that a JSON object takes here: as objects, as text, and on its way to a worker."""
    size = 2 * len(json.dumps(value))
    left: list[Any] = [value]
    while left:
        each = left.pop()
        size += sys.getsizeof(each)
        if isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each
    return size
