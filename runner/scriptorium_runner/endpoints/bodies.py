"""The body of a request, which is read only when it is known how much of it may be read."""

from collections.abc import Callable
from typing import Protocol

#: Hears how many bytes more there are, before the next are read.
Grow = Callable[[int], None]


class BodyError(Exception):
    """A body cannot be had."""


class BodyTooLarge(BodyError):
    """It has more than may be read."""


class BodyStalled(BodyError):
    """It did not come in time."""


class BodyBroken(BodyError):
    """It is not framed as HTTP has it."""


def ignore(_size: int) -> None:
    """Take no account of what a body takes."""


class Body(Protocol):
    """A body that is still on its way."""

    @property
    def size(self) -> int | None:
        """Give how many bytes the caller announced; None if that is not known before its end."""

    async def read(self, most: int, grow: Grow = ignore) -> bytes:
        """Give all of it, at most so many bytes; raises the kinds of BodyError, and what `grow` raises."""
