"""Waiting on a condition, with a deadline."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

#: Between two looks; short, since most conditions come true within a second.
_LOOK = 0.1


def until(check: Callable[[], T], seconds: float = 60, what: str = "") -> T:
    """Give the first true answer of the check; fail with the last one when the time is over."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or check}; the last answer was {answer!r}")
        pause.wait(_LOOK)


def until_equal(check: Callable[[], T], wanted: T, seconds: float = 60) -> None:
    """Wait until the check gives what is wanted; fail with the difference when the time is over."""
    last: list[T] = []

    def is_equal() -> bool:
        last[:] = [check()]
        return last == [wanted]

    with contextlib.suppress(AssertionError):
        until(is_equal, seconds)
    assert last == [wanted], f"not within {seconds} s: {last[0]!r} is not {wanted!r}"


async def until_async(check: Callable[[], Awaitable[T] | T], seconds: float = 10) -> T:
    """Give the first true answer of the check, letting the loop run meanwhile."""
    async with asyncio.timeout(seconds):
        while True:
            answer = check()
            found: T = await answer if isinstance(answer, Awaitable) else answer
            if found:
                return found
            # A coroutine asked somebody else: look again later. A plain check sees the loop's own work.
            await asyncio.sleep(_LOOK if isinstance(answer, Awaitable) else 0)
