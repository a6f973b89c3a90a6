"""The process that runs scripts: one at a time, each in a fresh context, and nothing else.

It blocks on its channel, knows no asyncio and no other process. The next world is seen to after the answer
was sent.
"""

import json
import os
import signal
import socket
import time
from typing import NoReturn

from scriptorium_api.values import frozen
from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.inside.interrupt import Deadline
from scriptorium_runner.engine.inside.link import Link
from scriptorium_runner.engine.inside.log_pipe import LogPipe
from scriptorium_runner.engine.inside.peak_memory import PeakMemory, hand_over
from scriptorium_runner.engine.inside.sandbox import Doors, Ending, Sandbox
from scriptorium_runner.engine.inside.worlds import Worlds
from scriptorium_runner.engine.protocol import Request
from scriptorium_runner.engine.seal.sealing import Plan

#: The third wall: the kernel ends the process by itself if the engine and the supervisor both missed the
#: limit.
_ALARM_AFTER_LIMIT_SECONDS = 0.5


@frozen
class Inheritance:
    """What a worker has from its zygote."""

    worlds: Worlds
    deadline: Deadline
    seal: Plan


def serve(channel: socket.socket, logs: LogPipe, own: Inheritance) -> NoReturn:
    """Answer requests until the supervisor closes the channel."""
    deadline = own.deadline
    memory = PeakMemory(is_known=hand_over(channel))
    # From here on nothing can be opened, and a call that no script needs ends the process.
    own.seal.apply()
    link = Link(channel)
    doors = Doors(logs, link)
    world = own.worlds.give()
    link.send(protocol.encode_frame(protocol.READY))
    for request in link.read_requests():
        sandbox = Sandbox(world, deadline, doors, memory)
        link.send(_run(sandbox, request, memory, logs, deadline))
        del sandbox
        world = own.worlds.give()
    os._exit(0)


def _run(sandbox: Sandbox, request: Request, memory: PeakMemory, logs: LogPipe, deadline: Deadline) -> bytes:
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
    output = ending.body or ending.output.encode()
    kind, size = ending.kind, ending.size
    if len(output) > output_bytes:
        kind, size, output = "large", len(output), b""
    elif kind == "answer":
        output = b"\n".join((ending.head.encode(), output))
    head = (
        f'{{"end":"{kind}","size":{size},"usage":{json.dumps(usage)},"text":{json.dumps(ending.text[:8192])},'
        f'"name":{ending.name},"message":{ending.message},"stack":{ending.stack}}}\n'
    )
    return protocol.encode_frame(protocol.DONE, head.encode() + output)
