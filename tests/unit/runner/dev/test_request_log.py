"""Requests reach the screen together, in their order, and none is left behind."""

import contextlib
from collections.abc import Iterable, Iterator

from scriptorium_runner.dev.request_log import MOST_WAITING, RequestLog
from scriptorium_runner.dev.screen import NobodyReads, Screen, ScreenError
from scriptorium_runner.endpoints.endings import Ended
from tests.support.callers import make_call
from tests.support.endings import make_ended
from tests.support.waiting import until_async


class FakeScreen(Screen):
    """Remembers what it was told of, each time, or fails."""

    def __init__(self, error: ScreenError | None = None) -> None:
        self.told: list[list[str]] = []
        self._error = error

    def tell_requests(self, ended: Iterable[Ended]) -> None:
        self.told.append([each.call.id for each in ended])
        if self._error is not None:
            raise self._error


class Guard:
    """Remembers what kept the screen from being written to."""

    def __init__(self) -> None:
        self.errors: list[ScreenError] = []

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        try:
            yield
        except ScreenError as error:
            self.errors.append(error)


def end(number: int) -> Ended:
    return make_ended(call=make_call(id=str(number)))


async def test_requests_of_a_moment_are_told_together_and_in_their_order() -> None:
    screen = FakeScreen()
    log = RequestLog(screen, Guard())
    log.hear(end(1))
    log.hear(end(2))
    assert screen.told == []
    await until_async(lambda: screen.told)
    assert screen.told == [["1", "2"]]


async def test_each_moment_is_told_by_itself() -> None:
    screen = FakeScreen()
    log = RequestLog(screen, Guard())
    log.hear(end(1))
    await until_async(lambda: screen.told)
    log.hear(end(2))
    await until_async(lambda: len(screen.told) == 2)
    assert screen.told == [["1"], ["2"]]


async def test_of_a_flood_no_more_wait_than_may() -> None:
    screen = FakeScreen()
    log = RequestLog(screen, Guard())
    for number in range(MOST_WAITING + 1):
        log.hear(end(number))
    assert screen.told == [[str(number) for number in range(MOST_WAITING)]]
    log.tell()
    assert screen.told[1:] == [[str(MOST_WAITING)]]


async def test_at_the_end_all_that_wait_are_told_at_once_and_no_one_twice() -> None:
    screen = FakeScreen()
    log = RequestLog(screen, Guard())
    log.hear(end(1))
    log.tell()
    log.tell()
    assert screen.told == [["1"]]


async def test_a_screen_that_nobody_reads_is_its_guards_to_see_to() -> None:
    screen, guard = FakeScreen(NobodyReads()), Guard()
    log = RequestLog(screen, guard)
    log.hear(end(1))
    await until_async(lambda: guard.errors)
    assert isinstance(guard.errors[0], NobodyReads)
