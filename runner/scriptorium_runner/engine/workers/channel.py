"""The supervisor's side of one worker: its process, its socket, its pipe of console lines."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime

from scriptorium_api.values import frozen
from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.errors import CallLimitReached, NeverStarted, WorkerLost
from scriptorium_runner.engine.host_calls import HostCalls, NoHost
from scriptorium_runner.engine.protocol import Request
from scriptorium_runner.engine.values import Limits
from scriptorium_runner.engine.workers.backlog import Backlog
from scriptorium_runner.engine.workers.call_record import CallRecord
from scriptorium_runner.engine.workers.calls import Calls
from scriptorium_runner.engine.workers.ear import Ear
from scriptorium_runner.engine.workers.meter import Meter
from scriptorium_runner.engine.workers.watch import Watch
from scriptorium_runner.engine.workers.worker_process import Exit, WorkerProcess
from scriptorium_runner.engine.workers.zygote_process import ZygoteProcess

#: A worker is ready in milliseconds; one that is not after this long never will be.
_READY_SECONDS = 30.0
#: After the end of the channel the kernel still has to tell the zygote; usually within a millisecond.
_EXIT_SECONDS = 1.0
_PIPE_READ_BYTES = 1024 * 1024


@frozen(kw_only=True)
class Exchange:
    """All that is known of one run once it is over; `report` is None if the worker did not give one."""

    report: bytes | None
    logs: bytes
    exit: Exit | None
    was_cancelled: bool
    was_killed: bool
    was_pressed: bool = False
    """It had to end for want of memory in the container."""
    is_peak_known: bool
    cpu_before: float
    started_at: datetime
    seconds: float
    protocol_error: str = ""
    #: By the supervisor's own count.
    api_calls: int = 0
    has_exceeded_calls: bool = False
    #: Nothing was left over in either direction: the next run finds the channel as this one did.
    is_channel_clear: bool = True


@frozen
class Errand:
    """What a worker is to do, and who answers its host calls, within which limits.

    `backlog` has the answers that the workers of one supervisor have not read.
    """

    request: Request
    host: HostCalls = field(default_factory=NoHost)
    limits: Limits = field(default_factory=Limits)
    backlog: Backlog = field(default_factory=Backlog)


class Worker:
    """One worker process. `owner` is None until it is handed out; from then on it serves nobody else."""

    def __init__(self, process: WorkerProcess, channel: socket.socket, log_pipe: int) -> None:
        self._process = process
        self._channel = channel
        self._log_pipe = log_pipe
        self._ear = Ear(channel)
        self._frames = protocol.FrameBuffer()
        self._loop = asyncio.get_running_loop()
        self._meter = Meter([])
        self._is_closed = False
        self.owner: str | None = None
        #: How many scripts wait for the one it runs.
        self.depth = 0
        self.runs = 0
        #: Since when, on the monotonic clock, it waits for its owner's next run.
        self.idle_since = 0.0
        self.cpu_seconds = 0.0
        self._was_pressed = False

    @classmethod
    async def fork(cls, zygote: ZygoteProcess) -> "Worker":
        """Fork a worker and wait until it is ready to run."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                worker = await cls._fork(zygote)
                try:
                    await worker._become_ready()
                except BaseException:
                    worker.kill()
                    worker.close()
                    raise
                return worker
        except TimeoutError as error:
            raise WorkerLost("the worker did not get ready") from error

    @classmethod
    async def _fork(cls, zygote: ZygoteProcess) -> "Worker":
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process, log_pipe = await _fork_holding(theirs, zygote)
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        return cls(process, ours, log_pipe)

    @property
    def exited(self) -> asyncio.Future[Exit | None]:
        """Done when the process is gone."""
        return self._process.exited

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()

    def end_for_memory(self) -> None:
        """End the process now, because of all that run it holds the most memory and there is none left."""
        self._was_pressed = True
        self.kill()

    def close(self) -> None:
        """Give the descriptors back; the process ends by itself when its channel ends."""
        if not self._is_closed:
            self._is_closed = True
            self._ear.close()
            self._channel.close()
            self._meter.close()
            os.close(self._log_pipe)

    async def run(self, errand: Errand, cancelled: asyncio.Event | None) -> Exchange:
        """Have a request answered, by the worker or by its death: at the latest 250 ms after the limit."""
        self.runs += 1
        seconds, limits = errand.request.timeout_seconds, errand.limits
        record = CallRecord(errand.host.methods, limits.api_calls, limits.pending_calls)
        calls = Calls(errand.host, record, self._send, errand.backlog.open(self.end_for_memory))
        watch = Watch(self.kill, calls.give_up, seconds, cancelled)
        started_at, started = datetime.now(UTC), time.monotonic()
        report, exit_, is_clear = None, None, False
        problem: Exception | str = ""
        try:
            self._meter.reset()
            self._process.confine(errand.request.memory_mb, seconds)
            await self._begin(errand.request)
            report = await self._converse(calls, errand.request.most_report_bytes)
        except (OSError, WorkerLost, CallLimitReached) as error:
            if isinstance(error, NeverStarted) and not watch.has_killed:
                raise
            problem = error
            self.kill()
            exit_ = await self._wait_for_exit()
        finally:
            watch.stop()
            is_clear = calls.stop()
        return Exchange(
            report=report,
            logs=self._read_log_pipe(),
            exit=exit_,
            was_cancelled=watch.was_cancelled,
            was_killed=watch.was_late,
            was_pressed=self._was_pressed,
            is_peak_known=self._meter.is_known,
            cpu_before=self.cpu_seconds,
            started_at=started_at,
            seconds=time.monotonic() - started,
            protocol_error=str(problem),
            api_calls=calls.counted,
            has_exceeded_calls=isinstance(problem, CallLimitReached),
            is_channel_clear=is_clear,
        )

    async def _begin(self, request: Request) -> None:
        try:
            self._check_silence()
            await self._send(protocol.encode_request(request))
        except (OSError, WorkerLost) as error:
            raise NeverStarted from error

    def _check_silence(self) -> None:
        """Raise if the worker said something, or went, before it was asked."""
        with contextlib.suppress(BlockingIOError):
            self._channel.recv(1)
            raise WorkerLost("words before the question")

    async def _send(self, frame: bytes) -> None:
        await self._loop.sock_sendall(self._channel, frame)

    async def _converse(self, calls: Calls, report_bytes: int) -> bytes:
        """Have host calls answered until the report comes."""
        largest = {protocol.CALL: protocol.CALL_BYTES, protocol.DONE: report_bytes}
        while True:
            kind, payload = await self._read_frame(largest)
            if kind == protocol.DONE:
                if not self._frames.is_empty:
                    raise WorkerLost("words after the answer")
                return payload
            calls.take(payload)
            # The host begins with this one first: as objects arguments can be twenty times their JSON.
            await asyncio.sleep(0)

    async def _become_ready(self) -> None:
        self._meter = await Meter.receive(self._channel)
        await self._read_frame({protocol.READY: 1024})

    async def _read_frame(self, largest: Mapping[int, int]) -> tuple[int, bytes]:
        """Read a frame of one of these kinds, each with the size of its largest payload."""
        while (frame := self._frames.next_frame(max(largest.values()))) is None:
            data = await self._ear.receive()
            if not data:
                raise WorkerLost("the worker's channel ended")
            self._frames.feed(data)
        kind, payload = frame
        if kind not in largest:
            raise WorkerLost("a frame out of turn")
        if len(payload) > largest[kind]:
            raise WorkerLost(f"a frame of {len(payload)} bytes where {largest[kind]} are allowed")
        return frame

    def _read_log_pipe(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self._log_pipe, _PIPE_READ_BYTES)
        return b""

    async def _wait_for_exit(self) -> Exit | None:
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self.exited), _EXIT_SECONDS)
        return None


async def _fork_holding(channel: socket.socket, zygote: ZygoteProcess) -> tuple[WorkerProcess, int]:
    """Fork a worker with this end of its channel and a pipe of its own, of which the read end is returned."""
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return await zygote.fork([channel.fileno(), read_end, write_end]), read_end
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
