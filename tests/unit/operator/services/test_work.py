import asyncio
import logging

import pytest

from scriptorium_operator.errors import ClusterRefused, ClusterUnavailable, Vanished
from scriptorium_operator.facts import Key, Kind
from scriptorium_operator.services.work import Work, compute_pause
from tests.support.waiting import until_async

ONE, OTHER = Key(Kind.SCRIPT, "team", "one"), Key(Kind.SCRIPT, "team", "other")


class Recorder:
    """Handles keys as the test says, and remembers them."""

    def __init__(self, *errors: Exception) -> None:
        self.handled: list[Key] = []
        self.errors = list(errors)
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: Key) -> None:
        self.handled.append(key)
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)


async def run_until(work: Work, recorder: Recorder, count: int) -> None:
    workers = [asyncio.create_task(work.work_off(recorder)) for _ in range(2)]
    try:
        await until_async(lambda: len(recorder.handled) >= count and recorder.gate.is_set())
        for _ in range(5):
            await asyncio.sleep(0)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def make_work() -> Work:
    return Work(jitter=lambda: 1.0)


async def test_a_key_that_waits_already_is_handled_once() -> None:
    work, recorder = make_work(), Recorder()
    for key in (ONE, ONE, OTHER, ONE):
        work.add(key)
    await run_until(work, recorder, 2)
    assert recorder.handled == [ONE, OTHER]


async def test_a_key_that_changes_while_it_is_handled_is_handled_again_afterwards() -> None:
    work, recorder = make_work(), Recorder()
    recorder.gate.clear()
    work.add(ONE)
    worker = asyncio.create_task(run_until(work, recorder, 2))
    await until_async(lambda: recorder.handled == [ONE])
    work.add(ONE)
    work.add(ONE)
    await asyncio.sleep(0)
    assert recorder.handled == [ONE]
    recorder.gate.set()
    await worker
    assert recorder.handled == [ONE, ONE]


@pytest.mark.parametrize(
    ("error", "level", "message"),
    [
        (ClusterUnavailable("down"), logging.WARNING, "not up to date yet"),
        (ClusterRefused("quota"), logging.WARNING, "not up to date yet"),
        (ZeroDivisionError("ours"), logging.ERROR, "a bug of the operator"),
    ],
)
async def test_a_failure_is_told_and_tried_again(
    error: Exception, level: int, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    work, recorder = make_work(), Recorder(error)
    work.add(ONE)
    await run_until(work, recorder, 2)
    assert recorder.handled == [ONE, ONE]
    assert [(record.levelno, record.message) for record in caplog.records] == [(level, message)]
    assert (caplog.records[0].exc_info is not None) == (level == logging.ERROR)


async def test_a_failing_key_that_changes_all_the_time_waits_for_one_timer() -> None:
    work, recorder = make_work(), Recorder(*[ClusterUnavailable("down", retry_after=3600.0)] * 3)
    worker = asyncio.create_task(work.work_off(recorder))
    for count in (1, 2, 3):
        work.add(ONE)
        await until_async(lambda count=count: len(recorder.handled) == count)
    loop = asyncio.get_running_loop()
    waiting = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
    assert len([timer for timer in waiting if timer.when() > loop.time() + 60]) == 1
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_what_is_gone_is_let_go() -> None:
    work, recorder = make_work(), Recorder(Vanished("namespace is being terminated"))
    work.add(ONE)
    work.add(OTHER)
    await run_until(work, recorder, 2)
    assert recorder.handled == [ONE, OTHER]


async def test_one_failure_does_not_keep_others_waiting() -> None:
    work, recorder = make_work(), Recorder(ClusterUnavailable("down", retry_after=3600.0))
    work.add(ONE)
    work.add(OTHER)
    await run_until(work, recorder, 2)
    assert recorder.handled == [ONE, OTHER]


@pytest.mark.parametrize(
    ("failures", "jitter", "pause"),
    [(0, 0.0, 0.5), (1, 0.0, 1.0), (2, 0.0, 2.0), (3, 1.0, 2.0), (30, 0.0, 60.0), (10_000, 1.0, 30.0)],
)
def test_pauses_double_up_to_the_longest(failures: int, jitter: float, pause: float) -> None:
    assert compute_pause(failures, 60.0, jitter) == pause
