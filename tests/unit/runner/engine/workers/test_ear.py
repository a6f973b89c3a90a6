"""What is heard of a worker, and what is not."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from scriptorium_runner.engine.workers.ear import Ear
from tests.support.waiting import until_async


@contextlib.contextmanager
def listen() -> Iterator[tuple[Ear, socket.socket]]:
    """Give an ear, and the other end of its channel."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ear = Ear(ours)
        try:
            yield ear, theirs
        finally:
            ear.close()


async def test_what_was_said_before_the_question_is_heard() -> None:
    with listen() as (ear, worker):
        worker.sendall(b"early")
        assert await ear.receive() == b"early"


async def test_what_is_said_after_the_question_is_heard() -> None:
    with listen() as (ear, worker):
        asking = asyncio.create_task(ear.receive())
        await asyncio.sleep(0)
        worker.sendall(b"late")
        assert await asking == b"late"


async def test_one_question_after_the_other_is_answered() -> None:
    with listen() as (ear, worker):
        for number in range(5):
            worker.sendall(b"%d" % number)
            assert await ear.receive() == b"%d" % number


async def test_the_end_of_the_channel_is_nothing() -> None:
    with listen() as (ear, worker):
        worker.close()
        assert await ear.receive() == b""


async def test_who_talks_unasked_wakes_nobody_twice_and_is_heard_when_asked() -> None:
    with listen() as (ear, worker):
        worker.sendall(b"asked")
        assert await ear.receive() == b"asked"
        assert ear.is_watching
        worker.sendall(b"unasked")
        await until_async(lambda: not ear.is_watching)
        assert await ear.receive() == b"unasked"


async def test_who_stopped_asking_loses_nothing_for_the_next() -> None:
    with listen() as (ear, worker):
        asking = asyncio.create_task(ear.receive())
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        worker.sendall(b"for the next")
        assert await ear.receive() == b"for the next"


async def test_a_broken_channel_is_an_error() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ear = Ear(ours)
        # Who goes without having read all leaves a broken channel.
        ours.sendall(b"unread")
        theirs.close()
        with pytest.raises(ConnectionResetError):
            await ear.receive()
        ear.close()
