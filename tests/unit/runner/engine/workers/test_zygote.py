"""Forks that fail cost nobody anything but the one who asked."""

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.errors import WorkerLost
from scriptorium_runner.engine.protocol import Request
from scriptorium_runner.engine.workers.channel import Errand, Worker
from scriptorium_runner.engine.workers.zygote_process import ZygoteProcess
from tests.unit.runner.engine.processes import (
    find_newest_zygote,
    find_running,
    leave_room,
    list_children,
    list_descriptors,
    wait_until,
)

REQUEST = Request(
    source="return 'done'",
    entrypoint=None,
    context="{}",
    timeout_seconds=600,
    memory_mb=64,
    output_kb=16,
    log_kb=16,
)


@pytest_asyncio.fixture(name="zygote")
async def start_zygote() -> AsyncIterator[ZygoteProcess]:
    zygote = await ZygoteProcess.start()
    yield zygote
    await zygote.stop()


async def test_for_a_processor_its_supervisor_comes_before_a_worker(zygote):
    worker = await Worker.fork(zygote)
    own, others = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (os.getpid(), worker.pid))
    assert others == min(own + 10, 19)
    worker.close()


@pytest.mark.parametrize("room", [0, 2])
async def test_a_zygote_without_room_for_the_descriptors_forks_nothing_and_lives(zygote, room):
    pid = find_newest_zygote()
    worker = await Worker.fork(zygote)
    before = list_descriptors(pid)
    os.kill(worker.pid, signal.SIGSTOP)
    running = asyncio.create_task(worker.run(Errand(REQUEST), None))
    with leave_room(pid, room), pytest.raises(WorkerLost, match="Too many open files"):
        await Worker.fork(zygote)
    assert (list_descriptors(pid), list_children(pid)) == (before, [worker.pid])
    os.kill(worker.pid, signal.SIGCONT)
    exchange = await running
    assert exchange.report is not None
    assert exchange.report.endswith(b'{"value":"done"}')
    worker.close()
    (await Worker.fork(zygote)).close()


@pytest.mark.parametrize(
    ("room", "error"),
    [(0, OSError), (2, OSError), (4, WorkerLost)],
    ids=["the channel", "the console's pipe", "the process"],
)
async def test_a_supervisor_without_room_for_a_descriptor_gets_no_worker_and_lives(zygote, room, error):
    pid, before = find_newest_zygote(), list_descriptors(os.getpid())
    with leave_room(os.getpid(), room), pytest.raises(error):
        async with asyncio.timeout(20):
            await Worker.fork(zygote)
    assert list_descriptors(os.getpid()) == before
    await wait_until(lambda: not list_children(pid))
    (await Worker.fork(zygote)).close()


async def test_a_zygote_that_cannot_be_started_leaves_no_descriptor():
    before = list_descriptors(os.getpid())
    with leave_room(os.getpid(), 2), pytest.raises(OSError, match="Too many open files"):
        await ZygoteProcess.start()
    assert list_descriptors(os.getpid()) == before


async def test_a_zygote_that_hangs_is_ended_also_when_nobody_waits_for_its_end():
    zygote = await ZygoteProcess.start()
    pid = find_newest_zygote()
    os.kill(pid, signal.SIGSTOP)
    stopping = asyncio.create_task(zygote.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert pid not in find_running()


FAULTY_ZYGOTE = """
import os
from scriptorium_runner.engine.inside import zygote

def fail_first(work, *codes):
    failures = iter(codes)
    def fail_or_work(*arguments):
        for code in failures:
            raise OSError(code, os.strerror(code))
        return work(*arguments)
    return fail_or_work

class FaultyZygote(zygote.Zygote):
    def serve(self):
        os.fork = fail_first(os.fork, 11, 12)
        os.pidfd_open = fail_first(os.pidfd_open, 24)
        super().serve()

zygote.Zygote = FaultyZygote
zygote.main()
"""


def test_a_kernel_that_forks_nothing_or_only_half_is_asked_again():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-c", FAULTY_ZYGOTE, str(theirs.fileno()), "full"]
    with ours, subprocess.Popen(command, pass_fds=[theirs.fileno()]) as zygote:
        theirs.close()
        ours.settimeout(20)
        assert ours.recv(4096).startswith(b"R")
        for number, code in enumerate((errno.EAGAIN, errno.ENOMEM, errno.EMFILE)):
            assert ask_for_a_worker(ours, number) == protocol.NOT_FORKED.pack(b"N", number, code)
            assert list_children(zygote.pid) == []
        assert protocol.FORKED.unpack(ask_for_a_worker(ours, 3))[:2] == (b"F", 3)
        ours.close()


def ask_for_a_worker(control: socket.socket, number: int) -> bytes:
    null = os.open(os.devnull, os.O_RDWR)
    socket.send_fds(control, [protocol.FORK.pack(b"F", number)], [null] * 3)
    os.close(null)
    return control.recv(256)
