"""The supervisor's hold on the zygote: start it, ask it for workers, hear of their ends."""

import asyncio
import contextlib
import errno
import os
import socket
import subprocess

from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.errors import EngineStartFailed, SealMissing, WorkerLost
from scriptorium_runner.engine.protocol import Readiness
from scriptorium_runner.engine.seal import layers
from scriptorium_runner.engine.seal.layers import Seal
from scriptorium_runner.engine.workers import zygote_start
from scriptorium_runner.engine.workers.worker_process import Exit, WorkerProcess
from scriptorium_runner.engine.workers.zygote_start import Begun

#: Importing takes about 0.1 s; a machine that needs longer than this is not going to run scripts.
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_LONGEST_MESSAGE = 4096


class ZygoteProcess:
    """A running zygote."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._asked: dict[int, asyncio.Future[WorkerProcess]] = {}
        self._alive: dict[int, WorkerProcess] = {}
        self._started = asyncio.Event()
        self._readiness: Readiness | None = None
        self.is_running = True
        self._loop.add_reader(control, self._receive)

    @classmethod
    async def start(cls, seal: Seal = Seal.FULL, begun: Begun | None = None) -> "ZygoteProcess":
        """Start a zygote, or take one that was begun, and wait until it can fork.

        Raises SealMissing if it cannot seal what it forks.
        """
        begun = begun or zygote_start.begin(seal)
        zygote = cls(begun.process, begun.control)
        try:
            await asyncio.wait_for(zygote._started.wait(), _START_SECONDS)
        except BaseException as error:
            await zygote.stop()
            if isinstance(error, TimeoutError):
                raise EngineStartFailed from error
            raise
        try:
            zygote._check(seal)
        except EngineStartFailed:
            await zygote.stop()
            raise
        return zygote

    @property
    def readiness(self) -> Readiness:
        """What the zygote said of itself when it started."""
        if self._readiness is None:
            raise EngineStartFailed
        return self._readiness

    def _check(self, seal: Seal) -> None:
        if not self.is_running:
            raise EngineStartFailed
        if missing := layers.find_missing(seal, self.readiness.flaws):
            raise SealMissing(layers.describe_refusal(missing))

    async def fork(self, descriptors: list[int]) -> WorkerProcess:
        """Make a worker that holds these descriptors."""
        if not self.is_running:
            raise WorkerLost("the zygote is gone")
        self._count += 1
        answer: asyncio.Future[WorkerProcess] = self._loop.create_future()
        self._asked[self._count] = answer
        message = protocol.FORK.pack(b"F", self._count)
        try:
            socket.send_fds(self._control, [message], descriptors)
        except OSError as error:
            del self._asked[self._count]
            raise WorkerLost("the zygote does not answer") from error
        return await answer

    async def stop(self) -> None:
        """End the zygote, and its workers with it."""
        self._lose()
        if self._process.poll() is not None:
            return
        try:
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(_wait_for_end(self._loop, self._process.pid), _STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()

    def _receive(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, _LONGEST_MESSAGE, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._lose()
        elif message[:1] == protocol.READINESS:
            self._readiness = protocol.decode_readiness(message)
            self._started.set()
        elif message[:1] == b"F":
            self._note_fork(message, descriptors)
        elif message[:1] == b"N":
            self._note_failure(message)
        else:
            self._note_exit(message)

    def _note_fork(self, message: bytes, descriptors: list[int]) -> None:
        _, number, pid = protocol.FORKED.unpack(message)
        answer = self._asked.pop(number)
        if not descriptors:
            # The kernel left it out: we hold too many. The worker ends by itself, with its channel.
            _refuse(answer, os.strerror(errno.EMFILE))
            return
        process = self._alive[number] = WorkerProcess(
            pid=pid, pidfd=descriptors[0], address_space=self.readiness.address_space
        )
        if answer.done():
            process.kill()  # Who asked for it was cancelled.
        else:
            answer.set_result(process)

    def _note_failure(self, message: bytes) -> None:
        _, number, code = protocol.NOT_FORKED.unpack(message)
        _refuse(self._asked.pop(number), os.strerror(code))

    def _note_exit(self, message: bytes) -> None:
        _, number, status, cpu, peak = protocol.EXITED.unpack(message)
        if process := self._alive.pop(number, None):
            os.close(process.pidfd)
            process.exited.set_result(Exit(status=status, cpu_seconds=cpu, peak_kb=peak))

    def _lose(self) -> None:
        """Let everybody who waits for the zygote know that it is gone."""
        if not self.is_running:
            return
        self.is_running = False
        self._loop.remove_reader(self._control)
        self._control.close()
        for process in self._alive.values():
            process.kill()
            process.exited.set_result(None)
            os.close(process.pidfd)
        self._alive.clear()
        for answer in self._asked.values():
            _refuse(answer, "the zygote is gone")
        self._asked.clear()
        self._started.set()


def _refuse(answer: asyncio.Future[WorkerProcess], reason: str) -> None:
    if not answer.done():
        answer.set_exception(WorkerLost(f"no worker could be forked: {reason}"))


async def _wait_for_end(loop: asyncio.AbstractEventLoop, pid: int) -> None:
    pidfd = os.pidfd_open(pid)
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(pidfd, lambda: None if ended.done() else ended.set_result(None))
    try:
        await ended
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
