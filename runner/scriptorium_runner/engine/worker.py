"""The process that runs scripts: one at a time, each in a fresh context, and nothing else.

It blocks on its channel, knows no asyncio and no other process. The next context is made after the answer was
sent.
"""

import json
import os
import resource
import signal
import socket
import time
from typing import NoReturn

from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.interrupt import Deadline
from scriptorium_runner.engine.link import Link
from scriptorium_runner.engine.log_pipe import LogPipe
from scriptorium_runner.engine.peak_memory import PeakMemory
from scriptorium_runner.engine.protocol import Request
from scriptorium_runner.engine.sandbox import MB, Doors, Ending, Sandbox

#: The third wall: the kernel ends the process by itself if the engine and the supervisor both missed the
#: limit.
_ALARM_AFTER_LIMIT_SECONDS = 0.5
#: Address space beyond twice the script's memory: the heap's holes and Python's own needs.
_ADDRESS_SPACE_MB = 96


def serve(channel: socket.socket, logs: LogPipe, prelude: str, deadline: Deadline) -> NoReturn:
    """Answer requests until the supervisor closes the channel."""
    memory = PeakMemory()
    address_space = _address_space_bytes()
    prepare_worker()
    link = Link(channel)
    doors = Doors(logs, link)
    sandbox = Sandbox(prelude, deadline, doors, memory)
    link.send(protocol.encode_frame(protocol.READY, json.dumps({"peak": memory.is_known}).encode()))
    for request in link.read_requests():
        _limit_address_space(address_space + (2 * request.memory_mb + _ADDRESS_SPACE_MB) * MB)
        link.send(_run(sandbox, request, memory, logs, deadline))
        sandbox.close()
        sandbox = Sandbox(prelude, deadline, doors, memory)
    os._exit(0)


def prepare_worker() -> None:
    """Give up what a worker never needs, once, before it sees any script.

    Here belong no_new_privs, seccomp and Landlock, which a later issue adds; whatever needs a descriptor or a
    system call that they forbid is done before.
    """
    for limit in (
        resource.RLIMIT_CORE,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_NPROC,
        # No new descriptor, whatever is closed before: so no file can be opened, those of `env` among them.
        resource.RLIMIT_NOFILE,
    ):
        resource.setrlimit(limit, (0, 0))


def _run(sandbox: Sandbox, request: Request, memory: PeakMemory, logs: LogPipe, deadline: Deadline) -> bytes:
    memory.reset()
    logs.begin(request.log_kb * 1024)
    cpu_before = time.process_time()
    deadline.arm(request.timeout_seconds)
    signal.setitimer(signal.ITIMER_REAL, request.timeout_seconds + _ALARM_AFTER_LIMIT_SECONDS)
    ending = sandbox.run(request)
    signal.setitimer(signal.ITIMER_REAL, 0)
    deadline.disarm()
    cpu = time.process_time()
    usage = {"cpu": cpu - cpu_before, "cpu_total": cpu, "peak": memory.read_kb()}
    return encode_report(ending, usage, request.output_kb * 1024)


def encode_report(ending: Ending, usage: dict[str, float | None], output_bytes: int) -> bytes:
    """Write how a script ended; an output that is too large is left out and its size told."""
    output = ending.output.encode()
    kind, size = ending.kind, ending.size
    if len(output) > output_bytes:
        kind, size, output = "large", len(output), b""
    head = (
        f'{{"end":"{kind}","size":{size},"usage":{json.dumps(usage)},"text":{json.dumps(ending.text[:8192])},'
        f'"name":{ending.name},"message":{ending.message},"stack":{ending.stack}}}\n'
    )
    return protocol.encode_frame(protocol.DONE, head.encode() + output)


def _address_space_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _limit_address_space(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
