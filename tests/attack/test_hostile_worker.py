"""A worker that was taken over speaks on the channel: whatever it says, its run ends and it is killed."""

import asyncio
import contextlib
import json
import os
import socket
import struct
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Limits, Program, protocol, result
from scriptorium_runner.engine.errors import NeverStarted
from scriptorium_runner.engine.protocol import CALL, CALL_BYTES, DONE, READY, Request, encode_frame
from scriptorium_runner.engine.workers.backlog import MOST_BYTES, MOST_RUN_BYTES, Backlog
from scriptorium_runner.engine.workers.channel import Errand, Exchange, Worker
from scriptorium_runner.engine.workers.worker_process import Exit
from tests.unit.runner.engine.hosts import FakeHost, answering, hanging
from tests.unit.runner.engine.processes import wait_until

REQUEST = Request(
    source="", entrypoint=None, context="{}", timeout_seconds=20, memory_mb=64, output_kb=16, log_kb=16
)
LIMITS = Limits(api_calls=3, pending_calls=2)
REPORT = {"end": "value", "usage": {"cpu": 0, "cpu_total": 0, "peak": 1}, "text": ""}
SOUND = encode_frame(DONE, json.dumps(REPORT).encode() + b'\n{"a":1}')


class Process:
    """A process that is gone when it is killed."""

    pid = 0

    def __init__(self, enemy: socket.socket) -> None:
        self.exited: asyncio.Future[Exit | None] = asyncio.get_running_loop().create_future()
        self._enemy = enemy
        self.is_killed = False

    def confine(self, memory_mb: int, seconds: float) -> None:
        """It is no process: there is nothing to confine."""

    def kill(self) -> None:
        self.is_killed = True
        with contextlib.suppress(OSError):
            self._enemy.shutdown(socket.SHUT_RDWR)
        if not self.exited.done():
            self.exited.set_result(Exit(status=9, cpu_seconds=0, peak_kb=0))


@contextlib.asynccontextmanager
async def make_worker() -> AsyncIterator[tuple[Worker, socket.socket, Process]]:
    """Give a worker whose process is this test."""
    ours, enemy = socket.socketpair()
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    ours.setblocking(False)
    enemy.setblocking(False)
    process = Process(enemy)
    worker = Worker(process, ours, read_end)  # type: ignore[arg-type]
    try:
        yield worker, enemy, process
    finally:
        worker.close()
        enemy.close()
        os.close(write_end)


async def hear(enemy: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(enemy, 1 << 20)


async def settle_down() -> None:
    """Let all tasks that can go on have their turns."""
    for _ in range(5):
        await asyncio.sleep(0)


Script = Callable[[socket.socket], Awaitable[None]]


async def run(
    script: Script, host: FakeHost, limits: Limits = LIMITS, backlog: Backlog | None = None
) -> tuple[Exchange, bool]:
    """Have a worker run that does as the script says; tells also whether it was killed."""
    async with make_worker() as (worker, enemy, process):
        errand = Errand(REQUEST, host, limits, backlog or Backlog())
        running = asyncio.create_task(worker.run(errand, None))
        await hear(enemy)
        async with asyncio.timeout(10):
            with contextlib.suppress(OSError):
                await script(enemy)
            exchange = await running
        return exchange, process.is_killed


def saying(*frames: bytes) -> Script:
    async def speak(enemy: socket.socket) -> None:
        for frame in frames:
            await asyncio.get_running_loop().sock_sendall(enemy, frame)

    return speak


def judge(exchange: Exchange, limits: Limits = LIMITS) -> result.Settled:
    return result.settle(Program(source="", owner="a"), limits, exchange)


def call(number: object = 1, method: object = "http.get", arguments: object = ()) -> bytes:
    return encode_frame(CALL, json.dumps([number, method, arguments]).encode())


FORGERIES = {
    "a number that was had": (call(), call()),
    "a number to come": (call(2),),
    "the number 0": (call(0),),
    "a negative number": (call(-1),),
    "a number that is true": (call(True),),
    "a number that is not whole": (call(1.0),),
    "a number as text": (call("1"),),
    "no number": (call(None),),
    "a number beyond all": (call(2**80),),
    "a method that does not exist": (call(method="fs.read"),),
    "a method of a method": (call(method="http.get.constructor"),),
    "a method in other letters": (call(method="HTTP.GET"),),
    "a method that is a list": (call(method=["http.get"]),),
    "no method": (call(method=None),),
    "arguments that are an object": (call(arguments={}),),
    "arguments that are text": (call(arguments="[]"),),
    "too few words": (encode_frame(CALL, b'[1,"http.get"]'),),
    "too many words": (encode_frame(CALL, b'[1,"http.get",[],[]]'),),
    "an object": (encode_frame(CALL, b'{"0":1}'),),
    "nothing": (encode_frame(CALL),),
    "no JSON": (encode_frame(CALL, b"[1,"),),
    "NaN": (encode_frame(CALL, b'[1,"http.get",[NaN]]'),),
    "an endless number": (encode_frame(CALL, b'[1,"http.get",[1e999]]'),),
    "a number of a million digits": (encode_frame(CALL, b'[1,"http.get",[' + b"1" * 1_000_000 + b"]]"),),
    "no UTF-8": (encode_frame(CALL, b'[1,"http.get",["\xff\xfe"]]'),),
    "a tower of lists": (encode_frame(CALL, b'[1,"http.get",' + b"[" * 300 + b"]" * 300 + b"]"),),
    "a tower of a hundred thousand": (encode_frame(CALL, b"[" * 100_000),),
    "more than a call may hold": (encode_frame(CALL, b"[" + b" " * CALL_BYTES),),
    "the head of four gigabytes": (struct.pack("!IB", 2**32 - 1, CALL),),
    "a frame without a kind": (struct.pack("!I", 0) + b"C",),
    "a second greeting": (encode_frame(READY, b'{"peak":true}'),),
    "an answer to itself": (protocol.encode_answer(1, True, b"1"),),
    "a request": (encode_frame(protocol.RUN, b"{}"),),
    "an unknown kind": (encode_frame(0),),
    "a call after the end": (SOUND + call(),),
    "two ends": (SOUND + SOUND,),
    "half a frame after the end": (SOUND + b"\0\0",),
}


@pytest.mark.parametrize("frames", FORGERIES.values(), ids=FORGERIES)
async def test_a_forged_frame_ends_the_run_and_the_worker(frames: tuple[bytes, ...]) -> None:
    host = FakeHost()
    exchange, is_killed = await run(saying(*frames), host)
    settled = judge(exchange)
    assert (settled.result.reason, settled.is_clean, is_killed) == (Reason.ENGINE_CRASH, False, True)
    assert exchange.api_calls <= 1
    assert len(host.asked) <= 1


async def test_a_sound_end_is_believed_and_the_worker_lives() -> None:
    exchange, is_killed = await run(saying(call(), SOUND), FakeHost())
    settled = judge(exchange)
    assert (settled.result.reason, settled.is_clean, is_killed) == (Reason.COMPLETED, True, False)
    assert settled.result.usage.api_calls == 1


async def test_more_calls_at_once_than_allowed_are_a_breach_of_the_protocol() -> None:
    host = hanging()
    exchange, is_killed = await run(saying(call(1), call(2), call(3)), host)
    assert (judge(exchange).result.reason, is_killed) == (Reason.ENGINE_CRASH, True)
    assert exchange.api_calls == 2


async def test_calls_are_counted_by_the_supervisor_whatever_the_worker_says_of_them() -> None:
    async def ask_on(enemy: socket.socket) -> None:
        for number in range(1, 5):
            await saying(call(number))(enemy)
            await hear(enemy)
        await saying(SOUND)(enemy)

    host = FakeHost()
    exchange, is_killed = await run(ask_on, host)
    settled = judge(exchange)
    assert (settled.result.reason, settled.is_clean, is_killed) == (Reason.API_CALL_LIMIT, False, True)
    assert (settled.result.usage.api_calls, len(host.asked)) == (3, 3)


async def test_free_calls_do_not_hide_those_that_count() -> None:
    async def mix(enemy: socket.socket) -> None:
        for number in range(1, 20):
            await saying(call(number, "utils.local" if number % 2 else "http.get"))(enemy)
            await hear(enemy)

    exchange, _ = await run(mix, FakeHost())
    assert (judge(exchange).result.reason, exchange.api_calls) == (Reason.API_CALL_LIMIT, 3)


async def test_a_worker_that_never_reads_its_answers_holds_no_more_than_it_may_have_under_way() -> None:
    host = answering("x" * 3_000_000)
    flood = saying(*[call(number) for number in range(1, 9)])
    exchange, is_killed = await run(flood, host, Limits(pending_calls=2))
    assert (judge(exchange).result.reason, is_killed) == (Reason.ENGINE_CRASH, True)
    # One is being written, and two wait behind it.
    assert len(host.asked) <= 3


MANY = Limits(api_calls=100, pending_calls=50)
FLOOD = saying(*[call(number) for number in range(1, 21)])


async def test_a_worker_that_never_reads_its_answers_fills_no_memory_but_its_small_share() -> None:
    host, backlog = answering("x" * 4_000_000), Backlog()

    async def flood(enemy: socket.socket) -> None:
        tracemalloc.start()
        await FLOOD(enemy)
        await wait_until(lambda: len(host.asked) == 20 and host.open == 0)
        await settle_down()
        held, _ = tracemalloc.get_traced_memory()
        # Beside them the one that is being sent, which the kernel has in part, and the calls themselves.
        assert held < MOST_RUN_BYTES + 8_000_000
        assert MOST_RUN_BYTES // 2 < backlog.size <= MOST_RUN_BYTES
        enemy.close()

    try:
        exchange, is_killed = await run(flood, host, MANY, backlog)
    finally:
        tracemalloc.stop()
    assert (judge(exchange).result.reason, is_killed) == (Reason.ENGINE_CRASH, True)
    assert backlog.size == 0


class Watched(dict[str, bool]):
    """Methods, and a note of each call that is read."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__({"http.get": True})
        self._notes = notes

    def __contains__(self, method: object) -> bool:
        self._notes.append("read")
        return super().__contains__(method)


async def test_calls_that_come_at_once_are_not_all_turned_into_objects_before_the_first_begins() -> None:
    notes: list[str] = []

    async def reply(_method: str, _arguments: list[object]) -> None:
        notes.append("begun")

    async def flood(enemy: socket.socket) -> None:
        await saying(b"".join(map(call, range(1, 11))))(enemy)
        await wait_until(lambda: len(notes) == 20)
        await saying(SOUND)(enemy)

    await run(flood, FakeHost(reply, Watched(notes)), MANY)
    assert notes == ["read", "begun"] * 10


async def test_answers_beyond_the_share_are_errors_that_a_script_can_catch() -> None:
    frames = protocol.FrameBuffer()
    answers: list[protocol.Answer] = []
    host = answering("x" * 4_000_000)

    async def read_late(enemy: socket.socket) -> None:
        await FLOOD(enemy)
        await wait_until(lambda: len(host.asked) == 20 and host.open == 0)
        await settle_down()
        while len(answers) < 20:
            frames.feed(await hear(enemy))
            while (frame := frames.next_frame(2**31)) is not None:
                answers.append(protocol.decode_answer(frame[1]))
        # There is room again.
        await saying(call(21))(enemy)
        while (frame := frames.next_frame(2**31)) is None:
            frames.feed(await hear(enemy))
        answers.append(protocol.decode_answer(frame[1]))
        await saying(SOUND)(enemy)

    exchange, _ = await run(read_late, host, MANY)
    assert judge(exchange).result.reason is Reason.COMPLETED
    assert {answer.number for answer in answers} == set(range(1, 22))
    assert 3 <= sum(answer.is_good for answer in answers[:20]) <= 5
    assert answers[20].is_good
    codes = {json.loads(answer.text)["code"] for answer in answers if not answer.is_good}
    assert codes == {"AnswerTooLarge"}


async def test_of_many_workers_that_never_read_the_largest_goes_and_their_neighbour_gets_its_answers() -> (
    None
):
    backlog, most = Backlog(), 0
    over = asyncio.Event()
    hosts = [answering("x" * 4_000_000) for _ in range(6)]

    async def sit(enemy: socket.socket) -> None:
        await saying(*[call(number) for number in range(1, 6)])(enemy)
        await over.wait()
        enemy.close()

    async def live(enemy: socket.socket) -> None:
        nonlocal most
        for number in range(1, 60):
            await saying(call(number))(enemy)
            frames = protocol.FrameBuffer()
            while (frame := frames.next_frame(2**31)) is None:
                frames.feed(await hear(enemy))
            assert protocol.decode_answer(frame[1]).is_good
            most = max(most, backlog.size)
        await wait_until(lambda: all(len(host.asked) == 5 and host.open == 0 for host in hosts))
        await settle_down()
        most = max(most, backlog.size)
        await saying(SOUND)(enemy)
        over.set()

    floods = [run(sit, host, MANY, backlog) for host in hosts]
    *enemies, (neighbour, _) = await asyncio.gather(
        *floods, run(live, answering("y" * 1_000_000), MANY, backlog)
    )
    assert judge(neighbour).result.reason is Reason.COMPLETED
    assert MOST_BYTES // 2 < most <= MOST_BYTES
    ends = Counter(judge(exchange).result.reason for exchange, _ in enemies)
    # As many as fit sat there until they left.
    assert ends == {Reason.MEMORY_PRESSURE: 2, Reason.ENGINE_CRASH: 4}
    assert backlog.size == 0


async def test_a_call_that_is_cut_off_by_the_end_of_the_channel_is_no_call() -> None:
    async def go(enemy: socket.socket) -> None:
        await saying(call()[:-1])(enemy)
        enemy.close()

    host = FakeHost()
    exchange, _ = await run(go, host)
    assert (judge(exchange).result.reason, host.asked) == (Reason.ENGINE_CRASH, [])


async def test_a_worker_that_speaks_before_it_is_asked_gets_nothing_to_run() -> None:
    async with make_worker() as (worker, enemy, _):
        await saying(SOUND)(enemy)
        with pytest.raises(NeverStarted):
            await worker.run(Errand(REQUEST), None)


async def test_the_end_of_a_run_ends_its_calls_also_those_of_an_enemy() -> None:
    host = hanging()

    async def leave(enemy: socket.socket) -> None:
        await saying(call(1), call(2))(enemy)
        await wait_until(lambda: host.open == 2)
        await saying(SOUND)(enemy)

    exchange, _ = await run(leave, host)
    await asyncio.sleep(0)
    assert (judge(exchange).result.reason, host.open, host.cancelled) == (Reason.COMPLETED, 0, 2)


async def test_a_host_that_does_not_heed_its_cancellation_does_not_speak_into_the_next_run() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def linger(_method: str, _arguments: list[object]) -> object:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        ended.set()
        return "late"

    async with make_worker() as (worker, enemy, _):
        running = asyncio.create_task(worker.run(Errand(REQUEST, FakeHost(linger), LIMITS), None))
        await hear(enemy)
        await saying(call())(enemy)
        await begun.wait()
        await saying(SOUND)(enemy)
        assert (await running).is_channel_clear
        await ended.wait()
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(BlockingIOError):
            enemy.recv(1)
